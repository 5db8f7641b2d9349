// The streams of one context: who produces here, who follows, and how each is opened and ended.

import { asResumableStreamError, ResumableStreamError } from "../port/errors.ts";
import { background } from "../lib/background.ts";
import { sleep, withDeadline } from "../lib/clock.ts";
import { Latch } from "../lib/latch.ts";
import type { Claim } from "../port/transport.ts";
import { closedError } from "./end-errors.ts";
import { Follower } from "./follower.ts";
import { FollowerEvents } from "./follower-events.ts";
import { Producer } from "./producer.ts";
import type { OpenSource } from "./source.ts";
import type { FollowOptions, FollowResult, ProduceOptions, StreamsOptions } from "./streams-options.ts";
import { Turns } from "./turns.ts";

/** How long `close` waits for what it ends. */
const CLOSE_TIMEOUT_MS = 5_000;

export class Streams {
  readonly #options: StreamsOptions;
  /** Producers that serve their stream: followers next to them need no transport. */
  readonly #serving = new Map<string, Producer>();
  /** All producers whose source runs or whose end isn't written yet. */
  readonly #producers = new Set<Producer>();
  readonly #followers = new Set<Follower>();
  /** Present once `close` was called. */
  #closing: Promise<void> | undefined;
  /** Set when what still runs has had its time. */
  readonly #drained = new Latch();
  readonly #turns: Turns;

  /** Claims under way, each with its stream. */
  readonly #claiming = new Map<Promise<unknown>, string>();

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.#turns = new Turns(options.clock);
  }

  /** Throws `CLOSED` once the context is closed. */
  checkOpen(): void {
    if (this.#drained.isSet) throw closedError("answer");
  }

  /** Throws `CLOSED` from the beginning of a drain on, in which only what runs here is still served. */
  #checkStaying(): void {
    if (this.#closing) throw closedError("open a stream");
  }

  /**
   * Settles once this process' own claims of the id have their answers: over another connection what is asked next could reach the
   * store before they do. Never rejects.
   */
  async untilClaimed(streamId: string): Promise<void> {
    // Not for those that come meanwhile: there may always be one more.
    const own = [...this.#claiming].flatMap(([claiming, id]) => (id === streamId ? claiming : []));
    // Their calls, which waited before, go on before this does.
    await Promise.allSettled(own);
  }

  /** The producer of this process that serves the stream, if there is one. One that is just ending is waited for. */
  async local(streamId: string): Promise<Producer | undefined> {
    await this.#serving.get(streamId)?.untilTold();
    this.checkOpen();
    return this.#serving.get(streamId);
  }

  /**
   * The original reader's stream if the claim is won; undefined if another produces. Rejects as the claim does, unless
   * `mayRunAlone` takes the error: then the source runs, and nobody elsewhere can follow it before the backend has answered.
   */
  async produce(
    streamId: string,
    { mode, openSource, opensAtOnce = false, mayRunAlone }: ProduceOptions,
  ): Promise<ReadableStream<string> | undefined> {
    this.#checkStaying();
    const producer = this.#createProducer(streamId);
    if (opensAtOnce) producer.open(openSource);
    let isAlone = false;
    const onLate = (claim: Claim): boolean => isAlone && this.#attachLate(streamId, producer, claim);
    let claim: Claim | undefined;
    try {
      const { handOver, transport } = this.#options;
      const claiming = transport
        .claim(streamId, { mode, producer, isOwed: handOver.isWanted, onLate })
        .finally(() => this.#claiming.delete(claiming));
      this.#claiming.set(claiming, streamId);
      const claimed = await claiming;
      if (claimed.status !== "won") return undefined;
      ({ claim } = claimed);
    } catch (error) {
      if (!mayRunAlone(error)) {
        producer.abandon(error);
        throw error;
      }
      isAlone = true;
    }
    return this.#start(streamId, { producer, claim, openSource: opensAtOnce ? undefined : openSource });
  }

  /** The store was slow, and not away: a source that still runs is a stream like any other from now on. */
  #attachLate(streamId: string, producer: Producer, claim: Claim): boolean {
    if (this.#closing || !producer.isServing) return false;
    producer.attach(claim);
    this.#serving.set(streamId, producer);
    return true;
  }

  /** Follows from `offset`: next to a producer of this process, or through the transport. */
  async follow(streamId: string, { offset, epoch, ofFailed, replays }: FollowOptions): Promise<FollowResult> {
    const { clock, livenessMs, parts, transport } = this.#options;
    const events = new FollowerEvents(this.#options.onEvent, { streamId, offset });
    const producer = await this.local(streamId);
    // One of another claim may have been superseded and not know it: the record tells.
    if (producer && (epoch === undefined || producer.isOf(epoch))) {
      events.following();
      return { status: "following", stream: producer.follow(offset, (end, at) => events.ended(end, at)) };
    }
    this.#checkStaying();
    const follower: Follower = new Follower({
      transport,
      streamId,
      from: offset,
      epoch,
      replays,
      livenessMs,
      clock,
      onEnded: (end, at) => events.ended(end, at),
      onClosed: () => this.#followers.delete(follower),
      maxQueuedUnits: parts?.maxQueuedUnits,
      step: parts?.stepFollower,
    });
    this.#followers.add(follower);
    const result = await follower.attach();
    if (result.status !== "page") return { status: result.status };
    if (follower.isDraining && ofFailed === "refuse") {
      await follower.stream.cancel();
      return { status: "lost" };
    }
    events.following();
    return { status: "following", stream: follower.stream };
  }

  /** Ends everything, once what runs here has had `drainMs`. Settles within seconds after that. */
  close(drainMs: number): Promise<void> {
    if (drainMs === 0) this.#drained.set();
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async #close(drainMs: number): Promise<void> {
    const { clock, handOver, transport } = this.#options;
    // After this function has returned its promise, so that nothing new opens meanwhile.
    await Promise.resolve();
    // Their streams go on elsewhere, and so can they.
    for (const follower of this.#followers) follower.cut();
    const settled = Promise.all([...this.#producers].map((producer) => producer.settled));
    await Promise.race([settled, sleep(clock, drainMs, this.#drained)]);
    this.#drained.set();
    const late = (): Error =>
      new ResumableStreamError("TRANSPORT_UNAVAILABLE", "Closing took too long; it goes on.");
    const timeoutMs = CLOSE_TIMEOUT_MS + (handOver.isWanted ? handOver.timeoutMs : 0);
    const closeAll = (): Promise<unknown> =>
      Promise.all([...this.#producers].map((producer) => producer.close()));
    // A claim that is won only now has a record, which its call gives up.
    const ended = Promise.all([closeAll(), Promise.allSettled(this.#claiming.keys())]).then(closeAll);
    try {
      await withDeadline(
        clock,
        ended.then(() => transport.close()),
        { timeoutMs, late },
      );
    } catch (error) {
      this.#report(error);
    }
  }

  #createProducer(streamId: string): Producer {
    const { clock, handOver, onError, onEvent, maxBytes, parts, sourceIdleMs, transport } = this.#options;
    const producer: Producer = new Producer({
      streamId,
      keepsText: transport.keepsText,
      handOver,
      sourceIdleMs,
      maxBytes,
      clock,
      turns: this.#turns,
      onError,
      onEnded: (end, offset) => onEvent({ type: "ended", streamId, role: "producer", end, offset }),
      onReleased: () => {
        if (this.#serving.get(streamId) === producer) this.#serving.delete(streamId);
      },
      step: parts?.stepProducer,
    });
    return producer;
  }

  #start(
    streamId: string,
    {
      producer,
      claim,
      openSource,
    }: { producer: Producer; claim: Claim | undefined; openSource: OpenSource | undefined },
  ): ReadableStream<string> {
    this.#producers.add(producer);
    background(
      producer.settled.then(() => this.#producers.delete(producer)),
      (error) => this.#report(error),
    );
    if (claim) producer.attach(claim);
    try {
      this.#checkStaying();
      this.#options.keepAlive(producer.settled);
    } catch (error) {
      background(producer.discard(), (why) => this.#report(why));
      throw error;
    }
    const isFree = claim !== undefined || !this.#serving.has(streamId);
    // A producer that was superseded before it began serves nobody but its own reader.
    if (isFree && producer.isServing) this.#serving.set(streamId, producer);
    this.#options.onEvent({ type: "producing", streamId });
    if (openSource) producer.open(openSource);
    producer.start();
    return producer.primary;
  }

  #report(error: unknown): void {
    this.#options.onError(
      asResumableStreamError(error, "TRANSPORT_UNAVAILABLE", "Closing failed: see cause."),
    );
  }
}
