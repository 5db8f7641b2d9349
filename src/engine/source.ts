// Reads a source to its end, as fast as it gives, and cancels it.

import { attempt, background } from "../lib/background.ts";
import type { Cancel, Clock } from "../lib/clock.ts";
import { utf8Length } from "../lib/text.ts";
import { Pace } from "./pace.ts";
import type { Turns } from "./turns.ts";
import { abortErrorOf, describeChunk, idleMessage, tooLongError } from "./producer-errors.ts";

/** Called once, at once. */
export type OpenSource = (signal: AbortSignal) => ReadableStream<string> | Promise<ReadableStream<string>>;

export interface SourceOptions {
  clock: Clock;
  turns: Turns;
  /** How long it may give nothing; absent: for ever. */
  sourceIdleMs: number | undefined;
  /** The most bytes of UTF-8 that it may give; absent: as many as it likes. */
  maxBytes: number | undefined;
  onChunk: (text: string) => void;
  /** The chunks so far are to be read now. */
  onAnnounce: () => void;
  onDone: () => void;
  onFailed: (error: unknown) => void;
  /** A source may ignore its cancellation, hang in it or fail: that it failed is told here. */
  onCancelFailed: (error: unknown) => void;
}

/** How a source is left: the reason of its cancellation, and who hears if that fails. */
interface Leaving {
  reason: unknown;
  onFailed: (error: unknown) => void;
}

/** A timer that fires later than this tells of a frozen process, whose source could give nothing either. */
const HELD_UP_MS = 1_000;

export class Source {
  readonly #options: SourceOptions;
  readonly #abort = new AbortController();
  /** Absent until `makeStream` has answered. */
  #reader: ReadableStreamDefaultReader<string> | undefined;
  /** Nothing that it gives is wanted any more; absent until then. */
  #left: Leaving | undefined;
  /** It has ended by itself, or is left. */
  #isOver = false;
  /** Chunks that came before `start`, and how it ended then; absent from `start` on. */
  #early: { chunks: string[]; tell?: () => void } | undefined = { chunks: [] };
  #gaveAt: number;
  #cancelIdle: Cancel = () => {};

  constructor(options: SourceOptions) {
    this.#options = options;
    this.#gaveAt = options.clock.now();
  }

  /** Reads it from now on: one that fails drops what nobody has read. */
  open(openSource: OpenSource): void {
    background(this.#pump(openSource), (error) => this.#fail(error));
  }

  /** Tells what it has given so far, and from now on. May be called again. */
  start(): void {
    if (!this.#early) return;
    const { chunks, tell } = this.#early;
    this.#early = undefined;
    if (this.#left) return;
    const { clock, sourceIdleMs } = this.#options;
    // The time of its claim is no silence of the source.
    this.#gaveAt = clock.now();
    if (sourceIdleMs !== undefined && !this.#isOver) this.#watchIdle(sourceIdleMs, sourceIdleMs);
    for (const chunk of chunks) this.#options.onChunk(chunk);
    if (chunks.length > 0) this.#options.onAnnounce();
    tell?.();
  }

  /** Ignores all that it gives from now on. */
  cancel(reason: unknown): void {
    this.#leave({ reason, onFailed: this.#options.onCancelFailed }, reason);
  }

  /** The same for a source that has failed: one that gave something else than strings still runs, and so may the model behind it. */
  abandon(error: unknown, reason: unknown): void {
    this.#leave({ reason: error, onFailed: () => undefined }, reason);
  }

  #leave(leaving: Leaving, why: unknown): void {
    this.#left = leaving;
    this.#over();
    this.#abort.abort(abortErrorOf(why));
    this.#cancelReader(leaving);
  }

  /** Does nothing before `makeStream` has answered: then it is done when that answers. */
  #cancelReader({ reason, onFailed }: Leaving): void {
    background(
      attempt(() => this.#reader?.cancel(reason)),
      onFailed,
    );
  }

  async #pump(openSource: OpenSource): Promise<void> {
    const { clock, turns, maxBytes, onAnnounce, onChunk, onDone, sourceIdleMs } = this.#options;
    const announce = (): void => {
      if (!this.#early) onAnnounce();
    };
    const source = await openSource(this.#abort.signal);
    const reader = source.getReader();
    this.#reader = reader;
    if (this.#left) return this.#cancelReader(this.#left);
    const pace = new Pace({ clock, turns, announce });
    let bytes = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#isOver) return;
      if (done) {
        this.#over();
        return this.#tell(onDone);
      }
      if (typeof value !== "string") throw new TypeError(describeChunk(value));
      bytes += maxBytes === undefined ? 0 : utf8Length(value);
      if (maxBytes !== undefined && bytes > maxBytes) throw tooLongError(maxBytes);
      if (sourceIdleMs !== undefined) this.#gaveAt = clock.now();
      if (this.#early) this.#early.chunks.push(value);
      else onChunk(value);
      pace.produced();
      if (pace.isPauseDue()) await pace.pause();
    }
  }

  /** One timer for all chunks: it looks when the last one came, and waits for the rest. */
  #watchIdle(idleMs: number, delayMs: number): void {
    const { clock } = this.#options;
    const dueAt = clock.now() + delayMs;
    this.#cancelIdle = clock.after(delayMs, () => {
      const now = clock.now();
      if (now - dueAt > HELD_UP_MS) this.#gaveAt = now;
      const leftMs = this.#gaveAt + idleMs - now;
      if (leftMs > 0) this.#watchIdle(idleMs, leftMs);
      else this.#fail(new Error(idleMessage(idleMs)));
    });
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#over();
    this.#tell(() => this.#options.onFailed(error));
  }

  #tell(tell: () => void): void {
    if (this.#early) this.#early.tell = tell;
    else tell();
  }

  #over(): void {
    this.#isOver = true;
    this.#cancelIdle();
  }
}
