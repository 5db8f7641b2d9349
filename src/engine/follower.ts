// A follower in another process than its producer: performs what follower-state decides, as a stream.

import { asResumableStreamError, type ResumableStreamError } from "../port/errors.ts";
import { background } from "../lib/background.ts";
import { backoffMs } from "../lib/backoff.ts";
import type { Cancel, Clock } from "../lib/clock.ts";
import type { EndKind, Page, ReadRequest, ReadResult, Transport, Watch } from "../port/transport.ts";
import {
  type FollowerEffect,
  type FollowerEvent,
  initialFollowerState,
  stepFollower,
} from "./follower-state.ts";
import { FirstRead } from "./first-read.ts";
import { closedError, endErrorOf } from "./end-errors.ts";
import { trackEnd } from "./ends.ts";
import { Outlet } from "./outlet.ts";

/** A follower holds no more than this for a reader that doesn't keep up: a little less than 1 MiB of UTF-16. */
export const MAX_QUEUED_UNITS = 520_000;
/** The size of a page if the transport doesn't say: whatever the text, it fits 256 KiB of UTF-8. */
const PAGE_UNITS = 65_000;
/** Pages that fit the queue at least, so that the way there and back isn't waited for at each. */
const MIN_PAGES = 4;
/** How long a follower outlives a backend that doesn't answer: a restart or a fail-over takes seconds, a reader waits no longer. */
const MAX_UNREACHABLE_MS = 30_000;
const RETRY = { firstMs: 100, maxMs: 2_000 };

export interface FollowerOptions {
  transport: Transport;
  streamId: string;
  /** Offset to start from. */
  from: number;
  /** The claim whose text is wanted, and no other's. Absent: whichever there is. */
  epoch?: number | undefined;
  /** A stream that has ended well is read, and isn't only known to be done. */
  replays?: boolean | undefined;
  livenessMs: number;
  clock: Clock;
  onEnded: (end: EndKind, offset: number) => void;
  onClosed: () => void;
  maxQueuedUnits?: number | undefined;
  step?: typeof stepFollower | undefined;
}

export class Follower {
  readonly stream: ReadableStream<string>;

  readonly #options: FollowerOptions;
  readonly #tellEnd: (end: EndKind | undefined) => void;
  readonly #watch: Watch;
  readonly #firstRead = new FirstRead();
  /** The first page, without its text: it tells what the stream was when this follower came. Absent until then. */
  #first: Page | undefined;
  #state;
  readonly #outlet: Outlet;
  #isClosed = false;
  #heardAt: number;
  #cancelTimer: Cancel = () => {};
  /** Since when reads got no answer, and how many; absent while they do. */
  #unanswered: { since: number; count: number } | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    const maxQueued = options.maxQueuedUnits ?? MAX_QUEUED_UNITS;
    const pageUnits = Math.min(options.transport.pageUnits ?? PAGE_UNITS, Math.ceil(maxQueued / MIN_PAGES));
    const isBound = options.epoch !== undefined;
    this.#state = initialFollowerState({
      from: options.from,
      isBound,
      maxQueued,
      pageUnits,
      keepsText: options.transport.keepsText,
    });
    this.#heardAt = options.clock.now();
    this.#outlet = new Outlet({
      onTaken: (units) => this.#dispatch({ type: "taken", units }),
      onEnd: () => this.#close(),
    });
    this.stream = this.#outlet.stream;
    this.#tellEnd = trackEnd(this.stream, {
      from: options.from,
      epoch: () => this.#shownEpoch(),
      tail: () => this.#first?.tail,
      endBefore: () => this.#first?.end,
    });
    this.#watch = options.transport.watch(options.streamId, (signal) => {
      if (signal.type === "missed") return this.#dispatch({ type: "missed" });
      // A producer that was superseded and doesn't know may publish on and on: it is no sign of this one's life.
      if (signal.page.epoch === this.#state.epoch) this.#heardAt = options.clock.now();
      this.#dispatch({ type: "page", page: signal.page, isReply: false });
    });
  }

  /** Whether it reads what a failed stream has left, as the first read has told. */
  get isDraining(): boolean {
    return this.#state.isDraining;
  }

  /** Makes the first read and tells what it learned. Only a page leaves the follower open. */
  async attach(): Promise<ReadResult> {
    const { transport, streamId } = this.#options;
    try {
      const [record] = await Promise.all([transport.peek(streamId), this.#watch.ready]);
      if (this.#isClosed) throw closedError(`follow "${streamId}"`);
      const isReplay = record.status === "done" && this.#options.replays === true;
      if (record.status !== "running" && !isReplay) return this.#leave({ status: record.status });
      if (record.status === "running" && record.epoch !== undefined) {
        if (this.#isOther(record.epoch)) return this.#leave({ status: "lost" });
        this.#dispatch({ type: "named", epoch: record.epoch });
      }
      this.#dispatch({ type: "attached" });
      const result = await this.#firstRead.answer;
      if (result.status !== "page") return this.#leave(result);
      if (this.#isOther(result.page.epoch)) return this.#leave({ status: "lost" });
      this.#first = result.page;
      this.#armLiveness();
      return result;
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** Whether a claim isn't the one that this follower asked for. */
  #isOther(epoch: number): boolean {
    return this.#options.epoch !== undefined && epoch !== this.#options.epoch;
  }

  /** A text that was named must not become another one. */
  #shownEpoch(): number | undefined {
    if (!this.#state.isBound) this.#dispatch({ type: "shown" });
    return this.#state.epoch;
  }

  #leave(result: ReadResult): ReadResult {
    this.#close();
    return result;
  }

  /** Its context closes: ends the follower, after what its reader already has. */
  cut(): void {
    if (this.#isClosed) return;
    const error = closedError(`follow "${this.#options.streamId}"`);
    this.#firstRead.reject(error);
    this.#finish(error);
    this.#outlet.cut(error);
  }

  #dispatch(event: FollowerEvent): void {
    if (this.#isClosed) return;
    const step = this.#options.step ?? stepFollower;
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: FollowerEffect): void {
    const { onEnded, streamId } = this.#options;
    switch (effect.type) {
      case "deliver":
        return this.#outlet.give(effect.text);
      case "read":
        return this.#read(effect);
      case "end": {
        const { next } = this.#state;
        onEnded(effect.kind, next);
        this.#tellEnd(effect.kind);
        this.#firstRead.end(effect.kind, this.#state);
        return this.#finish(effect.isClean ? undefined : endErrorOf(effect.kind, { streamId, next }));
      }
    }
  }

  #read({ from, maxUnits, epoch }: ReadRequest): void {
    const { replays = false, streamId, transport } = this.#options;
    background(
      transport
        .read(streamId, { from, maxUnits, epoch, replays })
        .then((result) => this.#onAnswer(result, epoch)),
      (error) => this.#onUnanswered(error),
    );
  }

  #onAnswer(result: ReadResult, epoch: number | undefined): void {
    this.#heardAt = this.#options.clock.now();
    this.#unanswered = undefined;
    if (!this.#state.isAnswered) this.#onAttached(result);
    if (result.status === "page") return this.#dispatch({ type: "page", page: result.page, isReply: true });
    this.#dispatch({ type: "gone", epoch, last: result.status === "done" ? result.last : undefined });
  }

  #onAttached(result: ReadResult): void {
    // Its text goes to the reader; kept here, each follower would hold a page for as long as it lives.
    this.#firstRead.resolve(
      result.status === "page" ? { status: "page", page: { ...result.page, text: "" } } : result,
    );
  }

  #onUnanswered(error: unknown): void {
    // Its end is known, and all of its text is here.
    if (this.#isClosed || this.#outlet.isEnding) return;
    const { clock, streamId } = this.#options;
    const message = `Reading "${streamId}" failed: see cause.`;
    const unavailable = asResumableStreamError(error, "TRANSPORT_UNAVAILABLE", message);
    this.#dispatch({ type: "unanswered" });
    this.#unanswered ??= { since: clock.now(), count: 0 };
    this.#firstRead.reject(unavailable);
    // Reads that were in flight together count as one attempt.
    if (this.#state.reads > 0) return;
    if (clock.now() - this.#unanswered.since >= MAX_UNREACHABLE_MS) {
      return this.#finish(unavailable);
    }
    this.#schedule(backoffMs(this.#unanswered.count++, RETRY));
  }

  #armLiveness(): void {
    const { clock, livenessMs } = this.#options;
    // Pages that come meanwhile only move `#heardAt`: a timer for each would cost more than the page.
    this.#schedule(Math.max(this.#heardAt + livenessMs - clock.now(), 1));
  }

  #schedule(delayMs: number): void {
    const { clock, livenessMs } = this.#options;
    this.#cancelTimer();
    if (this.#isClosed || this.#outlet.isEnding) return;
    this.#cancelTimer = clock.after(delayMs, () => {
      if (this.#unanswered || clock.now() - this.#heardAt >= livenessMs) {
        this.#heardAt = clock.now();
        this.#dispatch({ type: "silence" });
      }
      this.#armLiveness();
    });
  }

  /** The end is known: nothing more is listened for, and the reader gets it after what is queued. */
  #finish(error: ResumableStreamError | undefined): void {
    this.#stopListening();
    // Nothing is left to be told: one that nobody reads on must not be kept.
    this.#options.onClosed();
    this.#outlet.end(error);
  }

  #stopListening(): void {
    this.#cancelTimer();
    this.#watch.close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#outlet.clear();
    this.#stopListening();
    // Already told if the end was learned.
    this.#tellEnd(undefined);
    this.#options.onClosed();
  }
}
