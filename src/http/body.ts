// A stream of text as a response's body. Reads when its reader asks, and never ahead.

import { endOf, startOf } from "../engine/ends.ts";
import { onAbort } from "../lib/abort.ts";
import { background } from "../lib/background.ts";
import { type Cancel, type Clock, sleep } from "../lib/clock.ts";
import { Latch } from "../lib/latch.ts";
import type { EndKind } from "../port/transport.ts";
import type { Framing } from "./framing.ts";
import {
  BEFORE_BREAK_MS,
  endOfClosed,
  endOfErrored,
  isClean,
  lastBytes,
  type StreamEnd,
} from "./body-end.ts";
import { type Bytes, Encoding } from "./encoding.ts";

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

export function createBody(options: BodyOptions): ReadableStream<Bytes> {
  const body = new Body(options);
  const stream = new ReadableStream<Bytes>(
    {
      start: (controller) => body.start(controller),
      pull: (controller) => body.pull(controller),
      cancel: (reason) => body.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  bodies.set(stream, body);
  return stream;
}

const bodies = new WeakMap<ReadableStream<Uint8Array>, Body>();

/** The maker of a body; undefined if that wasn't made here. */
export function bodyBehind(stream: ReadableStream<Uint8Array>): Body | undefined {
  return bodies.get(stream);
}

type Step = { type: "bytes"; bytes: Bytes } | { type: "closed" } | { type: "errored"; error: unknown };
type Read = { type: "text"; text: string } | ({ type: "ended" } & StreamEnd);

export class Body {
  readonly options: BodyOptions;
  readonly #source: ReadableStreamDefaultReader<string>;
  readonly #encoding: Encoding;
  #isOpen = false;
  /** Set when the reader leaves. */
  readonly #left = new Latch();
  /** The read under way, which outlives the pull it was made for if a heartbeat answers that. */
  #reading: Promise<Read> | undefined;
  #cancelHeartbeat: Cancel = () => {};
  #ignoreSignal = (): void => {};
  /** Known once the last text was passed on, and performed when that is taken: an error would discard it. */
  #ending: Step | undefined;

  constructor(options: BodyOptions) {
    this.options = options;
    this.#encoding = new Encoding(options.framing);
    this.#source = options.stream.getReader();
  }

  /** Whether all of it is still to be sent, and wanted. */
  get isUntouched(): boolean {
    return !this.#isOpen && !this.#left.isSet;
  }

  /** Another sends in its place: it does nothing any more. */
  handOver(): void {
    this.#ignoreSignal();
  }

  start(controller: ReadableStreamDefaultController<Bytes>): void {
    const { signal } = this.options;
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
      if (this.#left.isSet) return;
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
    this.#left.set();
    this.#ignoreSignal();
    this.#cancelHeartbeat();
    return this.#source.cancel(reason);
  }

  async #step(): Promise<Step> {
    const { clock, atEnd } = this.options;
    if (this.#ending) {
      if (this.#ending.type === "errored") await sleep(clock, BEFORE_BREAK_MS, this.#left);
      return this.#ending;
    }
    if (!this.#isOpen) {
      this.#isOpen = true;
      return { type: "bytes", bytes: this.#encoding.open() };
    }
    const read = await this.#readOrHeartbeat();
    if (read === "heartbeat") return { type: "bytes", bytes: this.#encoding.heartbeat() };
    this.#reading = undefined;
    if (read.type === "text") return this.#push(read.text);
    this.#ending = isClean(read) ? { type: "closed" } : { type: "errored", error: read.error };
    return { type: "bytes", bytes: lastBytes(read, { encoding: this.#encoding, atEnd }) };
  }

  #push(text: string): Step {
    try {
      return { type: "bytes", bytes: this.#encoding.push(text) };
    } catch (error) {
      // Text that isn't understood breaks this reader off, and stops nothing.
      background(this.#source.cancel(error), () => undefined);
      return { type: "errored", error };
    }
  }

  #readOrHeartbeat(): Promise<Read | "heartbeat"> {
    const { clock, heartbeatMs } = this.options;
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
    const { stream } = this.options;
    const isOurs = startOf(stream) !== undefined;
    try {
      const { done, value } = await this.#source.read();
      if (!done) return { type: "text", text: value };
      // Told before the stream closes, so that this waits for nothing.
      return { type: "ended", ...endOfClosed(isOurs ? await endOf(stream) : "done") };
    } catch (error) {
      return { type: "ended", ...endOfErrored(error) };
    }
  }
}
