// A stream of text as a response's body. Reads when its reader asks, and never ahead.

import { ResumableStreamError } from "../port/errors.ts";
import { endOf, startOf } from "../engine/ends.ts";
import { onAbort } from "../lib/abort.ts";
import { background } from "../lib/background.ts";
import { type Cancel, type Clock, sleep } from "../lib/clock.ts";
import type { EndKind } from "../port/transport.ts";
import type { Framing } from "./framing.ts";
import { Utf8Encoder } from "./utf8.ts";

/**
 * The time between the last text (with the end's mark) and the error. An error discards what the reader has received and
 * not yet taken. A reader that keeps up needs less than this. A slower one misses the mark and asks again.
 */
const BEFORE_BREAK_MS = 100;

export interface BodyOptions {
  stream: ReadableStream<string>;
  framing: Framing;
  heartbeatMs: number;
  clock: Clock;
  /** Gives the events that are sent after the text's own. */
  atEnd?: ((end: EndKind) => string) | undefined;
  /** Aborted where the reader has left, and its server may not say so by cancelling. */
  signal?: AbortSignal | undefined;
}

export function createBody(options: BodyOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
  const body = new Body(options);
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start: (controller) => body.start(controller),
      pull: (controller) => body.pull(controller),
      cancel: (reason) => body.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

type Bytes = Uint8Array<ArrayBuffer>;
type Step = { type: "bytes"; bytes: Bytes } | { type: "closed" } | { type: "errored"; error: unknown };
type Read = { type: "text"; text: string } | { type: "ended"; end: EndKind | undefined; error: unknown };

class Body {
  readonly #options: BodyOptions;
  readonly #source: ReadableStreamDefaultReader<string>;
  readonly #utf8 = new Utf8Encoder();
  #isOpen = false;
  /** Aborted where the reader left. */
  readonly #left = new AbortController();
  /** The read under way, which outlives the pull it was made for if a heartbeat answers that. */
  #reading: Promise<Read> | undefined;
  #cancelHeartbeat: Cancel = () => {};
  #ignoreSignal = (): void => {};
  /** Known once the last text was passed on, and performed when that is taken: an error would discard it. */
  #ending: Step | undefined;

  constructor(options: BodyOptions) {
    this.#options = options;
    this.#source = options.stream.getReader();
  }

  start(controller: ReadableStreamDefaultController<Bytes>): void {
    const { signal } = this.#options;
    const leave = (): void => {
      background(this.cancel(signal?.reason), () => undefined);
      // Not closed: nobody may take what was cut off for whole.
      controller.error(signal?.reason);
    };
    if (signal?.aborted) leave();
    else if (signal) this.#ignoreSignal = onAbort(signal, leave);
  }

  async pull(controller: ReadableStreamDefaultController<Bytes>): Promise<void> {
    for (;;) {
      const step = await this.#step();
      if (this.#left.signal.aborted) return;
      switch (step.type) {
        case "bytes":
          if (step.bytes.byteLength === 0) continue;
          return controller.enqueue(step.bytes);
        case "closed":
          this.#ignoreSignal();
          return controller.close();
        case "errored":
          this.#ignoreSignal();
          return controller.error(step.error);
      }
    }
  }

  /** Leaving stops nothing: a context's stream runs on without this reader. */
  cancel(reason: unknown): Promise<void> {
    this.#left.abort();
    this.#ignoreSignal();
    this.#cancelHeartbeat();
    return this.#source.cancel(reason);
  }

  async #step(): Promise<Step> {
    const { clock, framing, atEnd } = this.#options;
    if (this.#ending) {
      if (this.#ending.type === "errored") await sleep(clock, BEFORE_BREAK_MS, this.#left.signal);
      return this.#ending;
    }
    if (!this.#isOpen) {
      this.#isOpen = true;
      return this.#bytes(framing.open());
    }
    const read = await this.#readOrHeartbeat();
    if (read === "heartbeat") return this.#bytes(framing.heartbeat());
    this.#reading = undefined;
    if (read.type === "text") return this.#push(read.text);
    // Without a known end the body is cut off: its reader asks again.
    this.#ending =
      read.end !== undefined && isClean(read.end)
        ? { type: "closed" }
        : { type: "errored", error: read.error };
    const last =
      read.end === undefined ? cutOff(read.error, framing) : framing.close(read.end, atEnd?.(read.end));
    return { type: "bytes", bytes: joined(this.#utf8.encode(last), this.#utf8.finish()) };
  }

  #push(text: string): Step {
    try {
      return this.#bytes(this.#options.framing.push(text));
    } catch (error) {
      // Text that isn't understood breaks this reader off, and stops nothing.
      background(this.#source.cancel(error), () => undefined);
      return { type: "errored", error };
    }
  }

  #bytes(text: string): Step {
    return { type: "bytes", bytes: this.#utf8.encode(text) };
  }

  #readOrHeartbeat(): Promise<Read | "heartbeat"> {
    const { clock, heartbeatMs } = this.#options;
    this.#reading ??= this.#read();
    const reading = this.#reading;
    return new Promise((resolve) => {
      this.#cancelHeartbeat = clock.after(heartbeatMs, () => resolve("heartbeat"));
      background(
        reading.then((read) => {
          this.#cancelHeartbeat();
          resolve(read);
        }),
        (error) => resolve({ type: "ended", end: undefined, error }),
      );
    });
  }

  async #read(): Promise<Read> {
    const { stream } = this.#options;
    const isOurs = startOf(stream) !== undefined;
    try {
      const { done, value } = await this.#source.read();
      if (!done) return { type: "text", text: value };
      // Told before the stream closes, so that this waits for nothing.
      const end = isOurs ? await endOf(stream) : "done";
      // Text that is kept of a failed stream closes well; a response's body must not.
      return { type: "ended", end, error: new Error(`The stream has ended: ${end}.`) };
    } catch (error) {
      return { type: "ended", end: endOfError(error), error: withoutCause(error) };
    }
  }
}

function isClean(end: EndKind): boolean {
  return end === "done" || end === "stopped";
}

/** A follower is ended so by its own context's close, and its producer has another. */
function cutOff(error: unknown, framing: Framing): string {
  return error instanceof Error && "code" in error && error.code === "CLOSED" ? framing.moved() : "";
}

/** The end that an error stands for; undefined if the stream may go on elsewhere. */
function endOfError(error: unknown): EndKind | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  switch (error.code) {
    case "SOURCE_FAILED":
      return "failed";
    case "PRODUCER_LOST":
    case "FENCED":
      return "lost";
    default:
      return undefined;
  }
}

const bare = new WeakMap<Error, Error>();

/**
 * What a server prints of a body that broke off: not the error of the app's source or client, which may quote a text. All
 * readers of one failure get one error, so that it can be printed once.
 */
function withoutCause(error: unknown): unknown {
  if (!(error instanceof ResumableStreamError) || error.cause === undefined) return error;
  const known = bare.get(error) ?? new ResumableStreamError(error.code, error.message);
  bare.set(error, known);
  return known;
}

function joined(first: Bytes, second: Bytes): Bytes {
  if (second.byteLength === 0) return first;
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}
