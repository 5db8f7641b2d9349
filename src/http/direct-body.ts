// A body that is written to its server's response, past the web streams: in step with all others of its text.

import { type DirectReader, takeOver } from "../engine/ends.ts";
import { onAbort } from "../lib/abort.ts";
import type { Cancel, Clock } from "../lib/clock.ts";
import { type BodyOptions, bodyBehind } from "./body.ts";
import {
  BEFORE_BREAK_MS,
  endOfClosed,
  endOfErrored,
  isClean,
  lastBytes,
  type StreamEnd,
} from "./body-end.ts";
import { Encoding } from "./encoding.ts";
import { type FanOut, join, type Member } from "./fan-out.ts";
import { type Pages, pagesOf } from "./pages.ts";

/** The part of a server's response that is used. */
export interface DirectSink {
  /** False if it takes no more before it emits `drain`. */
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  on(event: string, listener: () => void): unknown;
}

export interface DirectOptions {
  sink: DirectSink;
  /** Aborted once the reader has left. */
  signal: AbortSignal;
  /** The request's, which says the same. */
  requestSignal: AbortSignal;
}

/**
 * Sends a body, and settles as sending it by its web stream would. Undefined if it can't be sent so: it isn't ours, somebody
 * has read from it, or its text isn't in this process.
 */
export function sendDirectly(
  stream: ReadableStream<Uint8Array>,
  { sink, signal, requestSignal }: DirectOptions,
): Promise<void> | undefined {
  const behind = bodyBehind(stream);
  if (!behind?.isUntouched) return undefined;
  const { options } = behind;
  const reader = takeOver(options.stream);
  if (!reader) return undefined;
  behind.handOver();
  const body = new DirectBody(options, { reader, sink });
  signal.addEventListener("abort", () => body.leave());
  return body.send(options.signal === requestSignal ? undefined : options.signal);
}

class DirectBody implements Member {
  readonly encoding: Encoding;
  readonly heartbeatMs: number;
  readonly clock: Clock;
  readonly #atEnd: BodyOptions["atEnd"];
  readonly #reader: DirectReader;
  readonly #pages: Pages;
  readonly #sink: DirectSink;
  /** Settle what `send` gives. */
  #resolve = (): void => {};
  #reject = (_error: unknown): void => {};
  /** Of the text that it has made by itself. */
  #offset: number;
  /** Absent while it goes on alone. */
  #fanOut: FanOut | undefined;
  /** Called once the sink takes more; absent while it does. */
  #onDrain: (() => void) | undefined;
  #isFull = false;
  /** Its last bytes are known, or nothing more is to be sent. */
  #isOver = false;
  readonly #onMoved = (): void =>
    queueMicrotask(() => {
      if (!this.#isOver && !this.#isFull && !this.#fanOut) this.#advance();
    });
  #cancelTimer: Cancel = () => {};
  #ignoreSignal = (): void => {};

  constructor(
    { framing, heartbeatMs, clock, atEnd }: BodyOptions,
    { reader, sink }: { reader: DirectReader; sink: DirectSink },
  ) {
    this.encoding = new Encoding(framing);
    this.heartbeatMs = heartbeatMs;
    this.clock = clock;
    this.#atEnd = atEnd;
    this.#reader = reader;
    reader.onFailed = (error) => this.#fail(error);
    this.#pages = pagesOf(reader.text);
    this.#sink = sink;
    this.#offset = reader.from;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Resolves once all is written, or the reader has left. Rejects if the body is to break off. */
  send(signal: AbortSignal | undefined): Promise<void> {
    const sent = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (signal) this.#ignoreSignal = onAbort(signal, () => this.break(signal.reason));
    this.#sink.on("drain", () => {
      this.#isFull = false;
      const act = this.#onDrain;
      this.#onDrain = undefined;
      act?.();
    });
    this.#pages.enter(this);
    this.write(this.encoding.open());
    this.#onceTaken(() => this.#advance());
    return sent;
  }

  write(bytes: Uint8Array): boolean {
    if (bytes.byteLength === 0) return true;
    try {
      this.#isFull = !this.#sink.write(bytes);
    } catch (error) {
      this.break(error);
    }
    return !this.#isFull && !this.#isOver;
  }

  goOn(): void {
    this.#leaveFanOut();
    if (!this.#isOver) this.#onceTaken(() => this.#advance());
  }

  /** The stream ended this reader before its text. */
  #fail(error: Error): void {
    // Text that was announced before goes first, if its reader waits for it.
    if (this.#fanOut) this.#fanOut.advance();
    else if (!this.#isFull) this.#advance();
    this.#finish(endOfErrored(error));
  }

  break(error: unknown): void {
    if (this.#isOver) return;
    this.#stop();
    this.#reader.leave();
    this.#reject(error);
  }

  leave(): void {
    this.#cancelTimer();
    if (!this.#isOver) {
      this.#stop();
      this.#reader.leave();
    }
    this.#resolve();
  }

  #onceTaken(act: () => void): void {
    if (this.#isFull) this.#onDrain = act;
    else act();
  }

  /** Writes what there is, as far as the sink takes it, and then waits for more together with the others. */
  #advance(): void {
    this.#rest();
    while (!this.#isOver) {
      let next;
      try {
        next = this.#pages.next(this.#offset, this.encoding);
      } catch (error) {
        // Text that isn't understood breaks this reader off, and stops nothing.
        return this.break(error);
      }
      if (!next) return this.#onTail();
      this.#offset = next.to;
      this.write(next.bytes);
      if (this.#isFull) return this.#onceTaken(() => this.#advance());
    }
  }

  #onTail(): void {
    const { text } = this.#reader;
    if (text.end !== undefined) {
      const error = this.#reader.end(this.#offset);
      return this.#finish(error ? endOfErrored(error) : endOfClosed(text.end));
    }
    this.#fanOut = join(text, this);
    if (!this.#fanOut) this.#wait();
  }

  #wait(): void {
    this.#rest();
    this.#reader.text.onceMoved(this.#onMoved);
    this.#cancelTimer = this.clock.after(this.heartbeatMs, () => {
      this.write(this.encoding.heartbeat());
      this.#onceTaken(() => this.#advance());
    });
  }

  #finish(end: StreamEnd): void {
    if (this.#isOver) return;
    this.#stop();
    this.#onceTaken(() => this.#close(end));
  }

  #close(end: StreamEnd): void {
    try {
      const last = lastBytes(end, { encoding: this.encoding, atEnd: this.#atEnd });
      if (last.byteLength > 0) this.#isFull = !this.#sink.write(last);
      if (isClean(end)) {
        this.#sink.end();
        return this.#resolve();
      }
    } catch (error) {
      return this.#reject(error);
    }
    this.#onceTaken(() => {
      this.#cancelTimer = this.clock.after(BEFORE_BREAK_MS, () => this.#reject(end.error));
    });
  }

  #rest(): void {
    this.#reader.text.forget(this.#onMoved);
    this.#cancelTimer();
  }

  #stop(): void {
    this.#isOver = true;
    this.#pages.leave(this);
    this.#rest();
    this.#ignoreSignal();
    this.#leaveFanOut();
    this.#onDrain = undefined;
  }

  #leaveFanOut(): void {
    const fanOut = this.#fanOut;
    if (!fanOut) return;
    this.#fanOut = undefined;
    fanOut.leave(this);
    this.#offset = fanOut.offset;
    this.encoding.moveTo(fanOut.encoding);
  }
}
