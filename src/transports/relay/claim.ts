// The producer's side of a relay: answers requests from the backlog, publishes live frames while somebody follows, and
// leaves a record that says how the stream ended.

import { sleep } from "../../lib/clock.ts";
import { createDeferred } from "../../lib/deferred.ts";
import { Latch } from "../../lib/latch.ts";
import type { Claim, Slice } from "../../port/transport.ts";
import type { RelayClaimOptions } from "./claim-options.ts";
import { type ClaimEvent, type ClaimStatus, stepClaim } from "./claim-state.ts";
import { HeldRecord } from "./held-record.ts";
import { Delayed } from "./delayed.ts";
import { foreignMessageReport } from "./foreign-messages.ts";
import { Interest } from "./interest.ts";
import { type CheckedStream, LiveChannel } from "./live-channel.ts";
import { MIN_KEEP_MS, parseRequest, type Request } from "./protocol.ts";
import { Replies } from "./replies.ts";
import type { RelayParts } from "./parts.ts";
import { StandingSubscription } from "./standing-subscription.ts";

export class RelayClaim implements Claim {
  readonly epoch: number;
  /** Settles, and never rejects, when requests arrive or the stream has ended before. */
  readonly ready: Promise<void>;

  readonly #options: RelayClaimOptions;
  readonly #relay: RelayParts;
  readonly #record: HeldRecord;
  readonly #interest: Interest;
  readonly #live: LiveChannel;
  readonly #replies: Replies;
  readonly #reportForeign: () => void;
  /** Settles when nothing is held any more; absent until it closes. */
  #closed: Promise<void> | undefined;
  /** The request channel. */
  readonly #inbox: StandingSubscription;
  /** Resolves when the end is written, or when there is none to write any more. */
  readonly #ended = createDeferred<void>();
  /** Whether it is still its producer's. */
  #status: ClaimStatus;
  /** Settles once who had the record before knows; absent if nobody had, or the claim isn't won. */
  #superseded: Promise<void> | undefined;
  /** Answers to stops: who asks is told by the same signal as readers here are (G13). */
  readonly #stops: Delayed;
  /** The look at the record that is under way, for all who wait for it; absent while there is none. */
  #looking: Promise<boolean> | undefined;
  /** Set when nothing may be waited for any more: neither followers that catch up, nor a server that is away. */
  readonly #hurry = new Latch();
  /** Settles once followers were sent the end; at once before it is written. */
  #endSent: Promise<void> = Promise.resolve();
  /** Wakes a producer that lingers, when a follower leaves or gets further. */
  #onListenersMoved: () => void = () => {};

  constructor(options: RelayClaimOptions) {
    this.#options = options;
    this.#relay = options.relay;
    this.epoch = options.epoch;
    this.#status = options.isWon ? "held" : "pending";
    this.#record = new HeldRecord(options);
    this.#replies = new Replies(options);
    this.#stops = new Delayed({ clock: options.relay.clock, isTold: () => this.#isTold });
    this.#interest = new Interest(options.relay.clock, (isWatched) => {
      options.producer.watched(isWatched);
      this.#onListenersMoved();
    });
    this.#live = new LiveChannel({ ...options, interest: this.#interest });
    this.#reportForeign = foreignMessageReport(
      options.relay.onError,
      `the request channel of "${options.streamId}"`,
    );
    const { clock, link, names, subscriptions } = options.relay;
    this.#inbox = new StandingSubscription({
      clock,
      subscriptions,
      channel: names.request(options.streamId),
      onMessage: (message) => this.#receive(message),
      onFailed: (error) => link.report(error),
    });
    this.ready = this.#inbox.ready;
    this.#record.keepAlive();
  }

  /** The claim is written, and its producer is bound to it. `superseded` settles once who had it before knows; absent if nobody had. */
  won(superseded?: Promise<void>): void {
    this.#superseded = superseded;
    this.#dispatch({ type: "won" });
  }

  async append(take: () => Slice): Promise<void> {
    await this.#live.publish(take());
  }

  async finish(take: () => Slice, onWritten: () => void = () => {}): Promise<void> {
    this.#dispatch({ type: "finishing" });
    this.#options.onFinishing(this.#ended.promise);
    const ending = take();
    const { end, from, tail, text } = ending;
    const published =
      text === "" || this.#interest.size === 0 ? undefined : this.#live.publish({ from, text, tail });
    // The older producer ends first: a reader that is told this end must not find a text of that one that still runs.
    await this.#superseded;
    const isWritten = await this.#record.end({ end, tail }, this.#hurry);
    if (!isWritten) this.#options.producer.fenced();
    onWritten();
    // The end travels once the record has it: a follower that hears it, and asks again, finds it.
    const sendEnd = (): Promise<void> | undefined =>
      this.#interest.size > 0 ? this.#live.publish({ ...ending, from: tail, text: "" }) : undefined;
    this.#endSent = Promise.resolve(published).then(sendEnd);
    this.#ended.resolve();
    this.#stops.release();
    await this.#endSent;
    await this.#linger();
    await this.close();
  }

  /** The publisher's connection is back: a restarted server may have forgotten the record. */
  reassert(): void {
    if (this.#status === "finishing" || this.#closed) return;
    this.#relay.link.background(this.#reassert());
  }

  /** Tells a check of this stream; undefined if the context that asks doesn't follow it. */
  checked(listenerId: string, check: { keepMs: number; round: number }): CheckedStream | undefined {
    return this.#live.checked(listenerId, check);
  }

  /** Closes once the end is written, without staying for followers. The source has ended, or is about to. */
  async shutdown(): Promise<void> {
    this.#hurry.set();
    await this.#ended.promise;
    await this.#endSent;
    await this.close();
  }

  /** Stops answering, and settles when the channel is given back. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#dispatch({ type: "closed" });
    this.#stops.release();
    this.#hurry.set();
    this.#ended.resolve();
    this.#record.release();
    this.#interest.clear();
    const { link } = this.#relay;
    try {
      await link.subscribed("unsubscribe from", this.#inbox.release());
    } catch (error) {
      link.report(error);
    }
    this.#options.onClosed();
  }

  // Requests.

  #receive(message: string): void {
    if (this.#closed) return;
    const request = parseRequest(message);
    if (!request) return this.#reportForeign();
    switch (request.type) {
      case "read":
        return this.#asOwn(request.epoch, () => this.#answer(request));
      case "stop":
        return this.#asOwn(request.epoch, () => this.#stop(request));
      case "stop-only":
        return this.#asOwn(request.epoch, () => this.#stopOnly(request));
      case "check":
        return this.#reportForeign();
      case "leave":
        this.#interest.remove(request.listenerId);
        return this.#onListenersMoved();
      case "fence":
        if (request.epoch === this.epoch) return this.#dispatch({ type: "fenced" });
        return request.epoch > this.epoch ? this.#asOwn(request.epoch, () => undefined) : undefined;
    }
  }

  /** Does what a request asks if it names this claim, or none, or if the record does. */
  #asOwn(epoch: number | undefined, act: () => void): void {
    if (epoch === undefined || epoch === this.epoch) return act();
    this.#dispatch({ type: "named" }, act);
  }

  /** `act` is what is done if the claim turns out to be its producer's own. */
  #dispatch(event: ClaimEvent, act: () => void = () => undefined): void {
    const step = this.#relay.stepClaim ?? stepClaim;
    const { status, effect } = step(this.#status, event);
    this.#status = status;
    switch (effect) {
      case "act":
        return act();
      case "look":
        return this.#look(act);
      case "tell":
        return this.#options.producer.fenced();
      case "close":
        return this.#relay.link.background(this.close());
      case "tell and close":
        this.#options.producer.fenced();
        return this.#relay.link.background(this.close());
      case undefined:
        return;
    }
  }

  #look(act: () => void): void {
    this.#looking ??= this.#record.isAnothers().finally(() => {
      this.#looking = undefined;
    });
    const looked = this.#looking.then((isAnothers) => this.#dispatch({ type: "looked", isAnothers }, act));
    this.#relay.link.background(looked);
  }

  #stop(request: Extract<Request, { type: "stop" | "stop-only" }>): void {
    this.#options.producer.stop(request.reason);
    const reply = { ...request, from: Number.MAX_SAFE_INTEGER, maxUnits: 0 };
    // The app takes the text first: who asks would take this producer for dead.
    if (this.#status !== "finishing" && !this.#isTold) this.#replies.open(reply);
    this.#stops.wait(`${request.listenerId}:${request.requestId}`, () => this.#replies.send(reply));
  }

  /** Whether readers in this process know the end. */
  get #isTold(): boolean {
    return this.#options.producer.read(0, 0).end !== undefined;
  }

  /** The claim that is meant may be over since it was looked up: its successor answers, so that nobody waits, and runs on. */
  #stopOnly(request: Extract<Request, { type: "stop-only" }>): void {
    if (request.epoch === this.epoch) return this.#stop(request);
    this.#replies.send({ ...request, from: Number.MAX_SAFE_INTEGER, maxUnits: 0 });
  }

  #answer(request: Extract<Request, { type: "read" }>): void {
    const { listenerId, keepMs, requestId, from } = request;
    // First of all: from this moment's tail on, live frames carry what the page below doesn't.
    this.#interest.touch(listenerId, { keepMs, asked: { requestId, from } });
    this.#onListenersMoved();
    // A look at whether the stream runs isn't worth a channel.
    if (keepMs > MIN_KEEP_MS) this.#options.onFollowed();
    this.#replies.send(request);
  }

  // The end.

  /** Stays until every follower has left, or none has got further for a while. */
  async #linger(): Promise<void> {
    const { clock, settings } = this.#relay;
    const startedAt = clock.now();
    while (this.#interest.size > 0 && !this.#hurry.isSet) {
      const until = Math.max(startedAt, this.#interest.progressedAt ?? startedAt) + settings.lingerMs;
      if (clock.now() >= until) return;
      const moved = new Latch();
      const stopListening = this.#hurry.onSet(() => moved.set());
      this.#onListenersMoved = () => moved.set();
      await sleep(clock, until - clock.now(), moved);
      stopListening();
    }
  }

  async #reassert(): Promise<void> {
    if (!(await this.#record.reassert())) this.#dispatch({ type: "fenced" });
  }
}
