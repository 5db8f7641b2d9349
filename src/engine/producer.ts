// Runs a source: pumps it into the backlog, feeds the readers of this process, and moves the text to the transport.

import type { ResumableStreamError } from "../port/errors.ts";
import { attempt, background } from "../lib/background.ts";
import type { Cancel } from "../lib/clock.ts";
import { createDeferred } from "../lib/deferred.ts";
import type { Claim, EndKind, ProducerPort, Slice } from "../port/transport.ts";
import { Backlog } from "./backlog.ts";
import { type Cursor, type CursorOptions, openCursor } from "./cursor.ts";
import {
  initialProducerState,
  isSettled,
  type ProducerEffect,
  type ProducerEvent,
  stepProducer,
} from "./producer-state.ts";
import { MAX_END_WAIT_MS, type ProducerOptions } from "./producer-options.ts";
import { Pace } from "./pace.ts";
import {
  abortErrorOf,
  cancelError,
  describeChunk,
  fencedError,
  followerLostError,
  sourceFailures,
  writeError,
} from "./producer-errors.ts";

/** Called once, at once. */
export type OpenSource = (signal: AbortSignal) => ReadableStream<string> | Promise<ReadableStream<string>>;

export class Producer implements ProducerPort {
  /** The original reader's stream, from offset 0. */
  readonly primary: ReadableStream<string>;
  /** Settles, and never rejects, once the source has ended and nothing is left to do for the backend. */
  readonly settled: Promise<void>;

  readonly #options: ProducerOptions;
  readonly #backlog = new Backlog();
  readonly #followers = new Set<Cursor>();
  readonly #abort = new AbortController();
  readonly #settled = createDeferred<void>();
  /** Resolved when readers are given the end; absent until somebody waits for it. */
  #told: ReturnType<typeof createDeferred<void>> | undefined;
  #cancelWait: Cancel = () => {};
  #state;
  #claim: Claim | undefined;
  /** Absent until `makeStream` has answered. */
  #source: ReadableStreamDefaultReader<string> | undefined;
  /** Why the source failed; absent otherwise. */
  #failure: ResumableStreamError | undefined;
  /** Why the source is cancelled; absent until it is. */
  #cancelReason: unknown;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#state = initialProducerState(options.keepsText);
    this.settled = this.#settled.promise;
    this.primary = this.#read(0, (how) => {
      if (how === "cancelled") this.#dispatch({ type: "primary-left" });
    }).stream;
  }

  /** Opens the source and pumps it to its end, as fast as it gives. */
  start(openSource: OpenSource): void {
    background(this.#pump(openSource), (error) => this.#fail(error));
  }

  /** Gives the producer its claim: at once, or late where the backend was slow. */
  attach(claim: Claim): void {
    this.#claim = claim;
    this.#dispatch({ type: "claimed" });
  }

  /** A follower in this process, from `from`. */
  follow(from: number, onEnded: (end: EndKind, offset: number) => void): ReadableStream<string> {
    const cursor: Cursor = this.#read(from, (how, offset) => {
      this.#followers.delete(cursor);
      if (how === "ended") onEnded(this.#backlog.end ?? "lost", offset);
    });
    this.#followers.add(cursor);
    return cursor.stream;
  }

  #read(from: number, onClosed: CursorOptions["onClosed"]): Cursor {
    return openCursor({
      backlog: this.#backlog,
      from,
      epoch: () => this.epoch,
      endError: () => this.#endError(),
      endKind: () => this.#endKind(),
      onClosed,
    });
  }

  /** Ends the stream as failed, because its context closes. */
  close(error: ResumableStreamError): void {
    if (this.#state.source !== "running") return;
    this.#fail(error);
    this.#cancelSource(error);
  }

  /** Of its claim; absent while it has none. */
  get epoch(): number | undefined {
    return this.#claim?.epoch;
  }

  /** Whether callers may be given this producer's text: until its end is told, and unless it was superseded. */
  get isServing(): boolean {
    return this.#state.end !== "told" && this.#state.record !== "fenced";
  }

  /** Stops the source, and settles when readers are given the end. False if it had ended before. */
  async end(reason: string | undefined): Promise<boolean> {
    const isStopped = this.stop(reason);
    await this.untilTold();
    return isStopped;
  }

  /** While the end is being written, others may have been given it already: waits until it is told here, or doesn't wait. */
  untilTold(): Promise<void> | undefined {
    if (this.#state.end !== "waiting") return undefined;
    this.#told ??= createDeferred<void>();
    return this.#told.promise;
  }

  // The transport's side (ProducerPort).

  read(from: number, maxUnits: number): Slice {
    return this.#backlog.readPairs(from, maxUnits);
  }

  watched(isWatched: boolean): void {
    this.#dispatch({ type: "watched", isWatched });
  }

  stop(reason: string | undefined): boolean {
    if (this.#state.source !== "running") return false;
    this.#cancelReason = reason ?? "stopped";
    this.#dispatch({ type: "stop" });
    return true;
  }

  fenced(): void {
    this.#cancelReason = fencedError(this.#options.streamId);
    this.#dispatch({ type: "fenced" });
  }

  // Effects.

  #dispatch(event: ProducerEvent): void {
    const wasRunning = this.#state.source === "running";
    const step = this.#options.step ?? stepProducer;
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    // The text is never held back, only its end.
    if (wasRunning && state.source !== "running") {
      this.#backlog.announce();
      this.#options.onEnded(state.source, this.#backlog.tail);
    }
    for (const effect of effects) this.#perform(effect);
    if (isSettled(this.#state)) this.#release();
  }

  #perform(effect: ProducerEffect): void {
    switch (effect) {
      case "append":
        return this.#append();
      case "finish":
        return this.#finish();
      case "hurry":
        return this.#claim?.ending?.();
      case "await-end":
        this.#cancelWait = this.#options.clock.after(MAX_END_WAIT_MS, () =>
          this.#dispatch({ type: "overdue" }),
        );
        return;
      case "tell-end":
        return this.#tellEnd();
      case "cancel-source":
        return this.#cancelSource(this.#cancelReason);
      case "drop-followers":
        return this.#dropFollowers();
    }
  }

  #append(): void {
    this.#afterwards(
      this.#claim?.append(() => this.#take()),
      "appended",
    );
  }

  #finish(): void {
    const written = (): void => this.#dispatch({ type: "written" });
    this.#afterwards(
      this.#claim?.finish(() => this.#take(), written),
      "finished",
    );
  }

  /** Goes on after work of the transport's, also if that failed. */
  #afterwards(work: Promise<void> | undefined, type: "appended" | "finished"): void {
    const goOn = (): void => this.#dispatch({ type });
    background(work?.then(goOn) ?? Promise.resolve(), (error) => {
      this.#report(error);
      goOn();
    });
  }

  #tellEnd(): void {
    const { source } = this.#state;
    if (source === "running") return;
    this.#cancelWait();
    // Whoever learns the end and asks again is answered by the record.
    this.#options.onReleased();
    this.#backlog.finish(source);
    this.#told?.resolve();
  }

  #take(): Slice {
    const slice = this.#backlog.read(this.#state.sent, Number.MAX_SAFE_INTEGER);
    const { source } = this.#state;
    if (source !== "running") slice.end = source;
    this.#dispatch({ type: "taken", to: slice.from + slice.text.length });
    return slice;
  }

  #dropFollowers(): void {
    this.#options.onReleased();
    this.#report(this.#cancelReason);
    const error = followerLostError(this.#options.streamId);
    for (const follower of this.#followers) follower.fail(error);
  }

  #cancelSource(reason: unknown): void {
    this.#abort.abort(abortErrorOf(reason));
    // A source may ignore its cancellation, hang in it or fail: the stream has ended either way.
    const cancelling = attempt(() => this.#source?.cancel(reason));
    background(cancelling, (error) => this.#report(cancelError(this.#options.streamId, error)));
  }

  async #pump(openSource: OpenSource): Promise<void> {
    const source = await openSource(this.#abort.signal);
    const reader = source.getReader();
    this.#source = reader;
    if (this.#state.source !== "running") return this.#cancelSource(this.#cancelReason);
    const pace = new Pace(this.#options.clock, () => this.#announce());
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#state.source !== "running") return;
      if (done) return this.#dispatch({ type: "source-ended", end: "done" });
      if (typeof value !== "string") throw new TypeError(describeChunk(value));
      this.#backlog.append(value);
      pace.produced();
      if (pace.isPauseDue()) await pace.pause();
    }
  }

  /** What the source gave is there for readers, and for the transport. */
  #announce(): void {
    this.#backlog.announce();
    this.#dispatch({ type: "produced", tail: this.#backlog.tail });
  }

  #fail(error: unknown): void {
    if (this.#state.source !== "running") return;
    const { told: failure, read } = sourceFailures(this.#options.streamId, error);
    this.#failure = read;
    // Readers elsewhere are told that it failed, and not why: somebody here has to be.
    const isUnheard = this.#state.primary === "left" && this.#followers.size === 0;
    if (isUnheard && failure.code === "SOURCE_FAILED") this.#options.onError(failure);
    this.#dispatch({ type: "source-ended", end: "failed" });
    // One that gave something else than strings still runs, and so may the model behind it; one that failed ignores this.
    this.#abort.abort(abortErrorOf(failure));
    background(
      attempt(() => this.#source?.cancel(error)),
      () => undefined,
    );
  }

  #endError(): ResumableStreamError | undefined {
    if (this.#backlog.end === "failed") return this.#failure;
    return this.#backlog.end === "lost" ? fencedError(this.#options.streamId) : undefined;
  }

  /** For a reader of this process: one that is dropped while the source runs on has lost its producer. */
  #endKind(): EndKind | undefined {
    return this.#failure?.code === "CLOSED" ? undefined : (this.#backlog.end ?? "lost");
  }

  #release(): void {
    this.#options.onReleased();
    this.#settled.resolve();
  }

  #report(error: unknown): void {
    this.#options.onError(writeError(this.#options.streamId, error));
  }
}
