// Runs a source: pumps it into the backlog, feeds the readers of this process, and moves the text to the transport.

import { background } from "../lib/background.ts";
import { createDeferred } from "../lib/deferred.ts";
import { epochWithoutClaim } from "../lib/position.ts";
import type { Claim, EndKind, ProducerPort, Slice } from "../port/transport.ts";
import { Backlog } from "./backlog.ts";
import { handOverOnce } from "./hand-over.ts";
import { LocalReaders } from "./local-readers.ts";
import {
  initialProducerState,
  isHandedOver,
  isSettled,
  isWanted,
  type ProducerEffect,
  type ProducerEvent,
  stepProducer,
} from "./producer-state.ts";
import type { ProducerOptions } from "./producer-options.ts";
import {
  cancelError,
  closingError,
  fencedError,
  followerLostError,
  sourceFailures,
  writeError,
} from "./producer-errors.ts";
import { type OpenSource, Source } from "./source.ts";
import { Telling } from "./telling.ts";

export class Producer implements ProducerPort {
  /** The original reader's stream, from offset 0. */
  readonly primary: ReadableStream<string>;
  /** Settles, and never rejects, once the source has ended and nothing is left to do for the backend. */
  readonly settled: Promise<void>;

  readonly #options: ProducerOptions;
  readonly #backlog = new Backlog();
  readonly #readers: LocalReaders;
  readonly #source: Source;
  readonly #startedAtMs: number;
  readonly #settled = createDeferred<void>();
  /** Told to readers in place of its claim's, while it has none. */
  readonly #epochWithoutClaim = epochWithoutClaim();
  readonly #telling: Telling;
  #state;
  #claim: Claim | undefined;
  /** The source's error; absent unless it failed. */
  #sourceError: unknown;
  /** Why the source is cancelled; absent until it is. */
  #cancelReason: unknown;

  constructor(options: ProducerOptions) {
    this.#options = options;
    const { clock, handOver, keepsText, streamId } = options;
    this.#startedAtMs = clock.wallTime();
    this.#telling = new Telling(clock, () => this.#dispatch({ type: "overdue" }));
    this.#state = initialProducerState({ keepsText, handsOver: handOver.isWanted });
    this.#source = new Source({
      ...options,
      onChunk: (text) => this.#backlog.append(text),
      onAnnounce: () => this.#announce(),
      onDone: () => this.#dispatch({ type: "source-ended", end: "done" }),
      onFailed: (error) => this.#fail(error),
      onCancelFailed: (error) => this.#report(cancelError(streamId, error)),
    });
    this.settled = this.#settled.promise;
    this.#readers = new LocalReaders({
      streamId,
      backlog: this.#backlog,
      epoch: () => this.epoch ?? this.#epochWithoutClaim,
    });
    this.primary = this.#readers.openPrimary(() => this.#dispatch({ type: "primary-left" }));
  }

  /** Opens the source and reads it to its end, as fast as it gives. Nobody hears of it before `start`. */
  open(openSource: OpenSource): void {
    this.#source.open(openSource);
  }

  /** It has its claim, or runs without. */
  start(): void {
    this.#dispatch({ type: "started" });
    this.#source.start();
  }

  /** It won't have a claim, and doesn't run without. */
  abandon(error: unknown): void {
    this.#source.abandon(error, error);
  }

  /** Gives the producer its claim: at once, or late if the backend was slow. */
  attach(claim: Claim): void {
    this.#claim = claim;
    this.#dispatch({ type: "claimed" });
  }

  /** A follower in this process, from `from`. */
  follow(from: number, onEnded: (end: EndKind, offset: number) => void): ReadableStream<string> {
    return this.#readers.openFollower(from, onEnded);
  }

  /** Ends a stream whose source never begins. */
  discard(): Promise<void> {
    this.#dispatch({ type: "discarded" });
    return this.close();
  }

  /** Ends the stream as lost, because its context closes. Settles when nothing but its end is left to be written. */
  async close(): Promise<void> {
    if (this.#state.source === "running") {
      const error = closingError(this.#options.streamId);
      this.#readers.failure = error;
      this.#cancelReason = error;
      this.#dispatch({ type: "source-ended", end: "lost" });
      this.#source.cancel(error);
    }
    if (!isHandedOver(this.#state)) await this.#telling.done();
  }

  /** Of its claim; absent while it has none. */
  get epoch(): number | undefined {
    return this.#claim?.epoch;
  }

  /** Whether a position that names this epoch is of its text: a reader may have been told one before a late claim came. */
  isOf(epoch: number): boolean {
    return epoch === this.epoch || epoch === this.#epochWithoutClaim;
  }

  /** Whether callers may be given this producer's text: until its end is told, and unless it was superseded. */
  get isServing(): boolean {
    return this.#state.end !== "told" && this.#state.record !== "fenced";
  }

  /** Stops the source, and settles when readers are given the end. False if it had ended before. */
  async end(reason: string | undefined): Promise<boolean> {
    const isStopped = this.stop(reason);
    await this.#telling.done();
    return isStopped;
  }

  /** While the end is being written, others may have been given it already: waits until it is told here, or doesn't wait. */
  untilTold(): Promise<void> | undefined {
    return this.#state.end === "waiting" ? this.#telling.done() : undefined;
  }

  // The transport's side (ProducerPort).

  read(from: number, maxUnits: number): Slice {
    return this.#backlog.readPairs(from, maxUnits);
  }

  watched(isWatched: boolean): void {
    this.#dispatch({ type: "watched", isWatched, tail: this.#backlog.tail });
  }

  stop(reason: string | undefined): boolean {
    // The claim may not be answered yet: text that the source has given by now comes first.
    this.#source.start();
    if (this.#state.source !== "running") return false;
    this.#cancelReason = reason ?? "stopped";
    this.#dispatch({ type: "stop" });
    return true;
  }

  fenced(): void {
    this.#cancelReason = fencedError(this.#options.streamId);
    this.#dispatch({ type: "fenced" });
  }

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
      case "await-backend":
        return this.#telling.expect();
      case "hand-over":
        return this.#handOver();
      case "tell-end":
        return this.#tellEnd();
      case "cancel-source":
        return this.#source.cancel(this.#cancelReason);
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

  /** Goes on after work of the transport's, or of the app's, also if that failed. */
  #afterwards(work: Promise<void> | undefined, type: "appended" | "handed-over" | "finished"): void {
    const goOn = (): void => this.#dispatch({ type });
    background(work?.then(goOn) ?? Promise.resolve(), (error) => {
      this.#report(error);
      goOn();
    });
  }

  #tellEnd(): void {
    const { source } = this.#state;
    if (source === "running") return;
    // Whoever learns the end and asks again is answered by the record.
    this.#options.onReleased();
    this.#backlog.finish(source);
    this.#telling.told();
  }

  #take(): Slice {
    const from = isWanted(this.#state) ? this.#state.sent : this.#backlog.tail;
    const slice = this.#backlog.read(from, Number.MAX_SAFE_INTEGER);
    const { source } = this.#state;
    // Not with a text that the app hasn't taken yet: an append that carries the end is an end.
    if (source !== "running" && isHandedOver(this.#state)) slice.end = source;
    this.#dispatch({ type: "taken", to: slice.from + slice.text.length });
    return slice;
  }

  #dropFollowers(): void {
    this.#options.onReleased();
    this.#report(this.#cancelReason);
    this.#readers.dropFollowers(followerLostError(this.#options.streamId));
  }

  /** Gives the app what has ended, or what a superseded producer has by now. */
  #handOver(): void {
    const { handOver, streamId } = this.#options;
    const { record, source } = this.#state;
    const ended = {
      streamId,
      epoch: this.epoch,
      end: source === "running" ? "lost" : source,
      text: this.#backlog.read(0, Number.MAX_SAFE_INTEGER).text,
      error: this.#sourceError,
      startedAtMs: this.#startedAtMs,
    };
    const isFenced = record === "fenced";
    this.#afterwards(handOverOnce(handOver, { claim: this.#claim, isFenced, ended }), "handed-over");
  }

  /** The text that the source gave is there for readers, and for the transport. */
  #announce(): void {
    this.#backlog.announce();
    if (isWanted(this.#state)) this.#dispatch({ type: "produced", tail: this.#backlog.tail });
  }

  #fail(error: unknown): void {
    if (this.#state.source !== "running") return;
    const { told: failure, read } = sourceFailures(this.#options.streamId, error);
    this.#readers.failure = read;
    this.#sourceError = error;
    // Readers elsewhere are told that it failed, and not why: somebody here has to be.
    const isUnheard = this.#state.primary === "left" && this.#readers.followers === 0;
    if (isUnheard && (failure.code === "SOURCE_FAILED" || failure.code === "TEXT_TOO_LONG"))
      this.#options.onError(failure);
    this.#dispatch({ type: "source-ended", end: "failed" });
    this.#source.abandon(error, failure);
  }

  #release(): void {
    this.#options.onReleased();
    this.#settled.resolve();
  }

  #report(error: unknown): void {
    this.#options.onError(writeError(this.#options.streamId, error));
  }
}
