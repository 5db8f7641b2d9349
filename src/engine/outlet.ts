// A follower's stream for its reader: text in order, and the end after all of it.

import type { ResumableStreamError } from "../port/errors.ts";

export interface OutletOptions {
  /** The reader has taken text. */
  onTaken: (units: number) => void;
  /** The reader has left, or is about to be given the end. */
  onEnd: () => void;
}

export class Outlet {
  readonly stream: ReadableStream<string>;

  readonly #options: OutletOptions;
  readonly #queue: string[] = [];
  #controller: ReadableStreamDefaultController<string> | undefined;
  /** The reader waits for text that hasn't come. */
  #isStarving = false;
  /** How to end once the queue is empty; absent until known. */
  #end: { error: ResumableStreamError | undefined } | undefined;
  #isOver = false;

  constructor(options: OutletOptions) {
    this.#options = options;
    this.stream = new ReadableStream<string>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#feed(),
        cancel: () => this.#finish(),
      },
      // The queue is ours, so that an end never overtakes text the reader hasn't taken.
      { highWaterMark: 0 },
    );
  }

  /** Whether its end is known. */
  get isEnding(): boolean {
    return this.#end !== undefined;
  }

  give(text: string): void {
    this.#queue.push(text);
    if (this.#isStarving) this.#feed();
  }

  /** Ends the stream after what is queued, with an error if there is one. */
  end(error: ResumableStreamError | undefined): void {
    this.#end = { error };
    if (this.#isStarving) this.#feedEnd();
  }

  /** Ends the stream at once, whether or not the reader has taken all. */
  cut(error: ResumableStreamError): void {
    this.clear();
    this.#end = { error };
    this.#feedEnd();
  }

  /** Forgets what the reader hasn't taken. */
  clear(): void {
    this.#queue.length = 0;
  }

  #feed(): void {
    const text = this.#queue.shift();
    if (text === undefined) {
      this.#isStarving = true;
      return this.#feedEnd();
    }
    this.#isStarving = false;
    this.#controller?.enqueue(text);
    this.#options.onTaken(text.length);
  }

  #feedEnd(): void {
    if (!this.#end || this.#isOver || this.#queue.length > 0) return;
    this.#finish();
    if (this.#end.error) this.#controller?.error(this.#end.error);
    else this.#controller?.close();
  }

  #finish(): void {
    this.#isOver = true;
    this.#options.onEnd();
  }
}
