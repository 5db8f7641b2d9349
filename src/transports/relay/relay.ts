// The relay transport: the text lives in its producer's memory, and pub/sub passes it on to whoever asks.

import type { ResumableStreamError } from "../../api/errors.ts";
import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { type Clock, sleep } from "../../lib/clock.ts";
import type {
  ClaimRequest,
  ClaimResult,
  Peek,
  ReadRequest,
  ReadResult,
  StreamStatus,
  Transport,
  Watch,
  WatchSignal,
} from "../transport.ts";
import { claimValue, type PublishPort } from "./bus.ts";
import { Epochs } from "./epochs.ts";
import { Link } from "./link.ts";
import { createNames, encodeRequest } from "./protocol.ts";
import { RelayClaim } from "./relay-claim.ts";
import { Requests } from "./requests.ts";
import type { RelayContext, RelaySettings } from "./settings.ts";
import { StreamWatch } from "./stream-watch.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** A superseded producer may be subscribing this very moment. */
const FENCING = { firstMs: 25, maxMs: 800 };

/** The two halves of a connection to a pub/sub server, as a relay uses them. */
export interface RelayConnection {
  publishPort: PublishPort;
  subscriptions: Subscriptions;
  /** Hears of each time the subscriber's connection is back after a loss. */
  onSubscriberReconnect: (listener: () => void) => () => void;
  /** Hears of errors that the clients report outside of a call. */
  onError: (listener: (error: unknown) => void) => () => void;
  close: () => void;
}

export interface RelayOptions {
  connection: RelayConnection;
  keyPrefix: string;
  settings: RelaySettings;
  claimTimeoutMs: number;
  clock: Clock;
  onError: (error: ResumableStreamError) => void;
}

export function relayTransport(options: RelayOptions): Transport {
  return new RelayTransport(options);
}

class RelayTransport implements Transport {
  readonly keepsText = false;

  readonly #options: RelayOptions;
  readonly #relay: RelayContext;
  /** Claims wait longer than other calls. */
  readonly #claimLink: Link;
  readonly #requests: Requests;
  readonly #epochs: Epochs;
  readonly #claims = new Set<RelayClaim>();
  readonly #watches = new Map<string, StreamWatch>();
  /** Watches that give their channels back. */
  readonly #releasing = new Set<Promise<unknown>>();
  /** Reads in flight: followers at the same offset share one. */
  readonly #reads = new Map<string, Promise<ReadResult>>();
  readonly #closing = new AbortController();
  readonly #stopListening: ReadonlyArray<() => void>;

  constructor(options: RelayOptions) {
    this.#options = options;
    const { clock, connection, onError, settings } = options;
    const port = connection.publishPort;
    this.#relay = {
      settings,
      names: createNames(options.keyPrefix),
      link: new Link({ port, clock, timeoutMs: settings.ackTimeoutMs, onError }),
      subscriptions: connection.subscriptions,
      clock,
      onError,
    };
    this.#claimLink = new Link({ port, clock, timeoutMs: options.claimTimeoutMs, onError });
    this.#requests = new Requests(this.#relay);
    this.#epochs = new Epochs(clock);
    this.#stopListening = [
      port.onReconnect(() => {
        for (const claim of this.#claims) claim.reassert();
      }),
      connection.onSubscriberReconnect(() => {
        this.#requests.reconnected();
        for (const watch of this.#watches.values()) watch.signal({ type: "missed" });
      }),
      connection.onError((error) => this.#relay.link.report(error)),
    ];
  }

  async claim(streamId: string, request: ClaimRequest): Promise<ClaimResult> {
    return request.mode === "supersede"
      ? this.#supersede(streamId, request)
      : this.#claimIfFree(streamId, request);
  }

  async peek(streamId: string): Promise<Peek> {
    const record = await this.#relay.link.get(this.#relay.names.record(streamId));
    switch (record.status) {
      case "free":
        return { status: "absent" };
      case "done":
        return { status: "done" };
      case "claimed":
        this.#epochs.observe(record.epoch);
        // Claimed by `INCR` a moment ago: its epoch isn't written yet.
        return { status: "running", epoch: record.epoch === 0 ? undefined : record.epoch };
    }
  }

  async status(streamId: string): Promise<StreamStatus> {
    const record = await this.peek(streamId);
    if (record.status !== "running") return record.status;
    const { link, names } = this.#relay;
    const receivers = await link.publish(names.request(streamId), encodeRequest({ type: "ping" }));
    if (receivers !== undefined && receivers > 0) return "running";
    const result = await this.#whileWatching(streamId, () =>
      this.read(streamId, { from: 0, maxUnits: 0, epoch: record.epoch }),
    );
    switch (result.status) {
      case "page":
        // A producer that lingers after its end.
        return result.page.end === undefined ? "running" : result.page.end === "failed" ? "absent" : "done";
      case "done":
        return "done";
      case "absent":
      case "lost":
        return "absent";
    }
  }

  watch(streamId: string, onSignal: (signal: WatchSignal) => void): Watch {
    const watch = this.#watches.get(streamId) ?? this.#openWatch(streamId);
    const listener = (signal: WatchSignal): void => onSignal(signal);
    watch.add(listener);
    return { ready: watch.ready, close: () => watch.remove(listener) };
  }

  read(streamId: string, request: ReadRequest): Promise<ReadResult> {
    const { from, maxUnits, epoch } = request;
    const key = `${from}:${maxUnits}:${epoch}:${streamId}`;
    const shared = this.#reads.get(key);
    if (shared) return shared;
    const reading = this.#ask(streamId, { type: "read", from, maxUnits, epoch }).finally(() => {
      if (this.#reads.get(key) === reading) this.#reads.delete(key);
    });
    this.#reads.set(key, reading);
    return reading;
  }

  async stop(streamId: string, reason: string | undefined): Promise<boolean> {
    const record = await this.peek(streamId);
    if (record.status !== "running") return false;
    const result = await this.#whileWatching(streamId, () => this.#ask(streamId, { type: "stop", reason }));
    return result.status === "page" && result.page.end === "stopped";
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const stop of this.#stopListening) stop();
    await Promise.all([...this.#claims].map((claim) => claim.shutdown()));
    await Promise.all(this.#releasing);
    this.#options.connection.close();
  }

  async #claimIfFree(streamId: string, { producer }: ClaimRequest): Promise<ClaimResult> {
    const claim = this.#newClaim();
    const key = this.#relay.names.record(streamId);
    const answer = this.#options.connection.publishPort.records.claimIfFree(key, claim);
    const won = await this.#releasedIfLate(answer, { key, epoch: claim.epoch });
    // A record that is done looks the same here; the read that follows, or `peek`, tells.
    if (!won) return { status: "running" };
    return { status: "won", claim: this.#openClaim(streamId, { epoch: claim.epoch, producer, isWon: true }) };
  }

  async #supersede(streamId: string, { producer }: ClaimRequest): Promise<ClaimResult> {
    const { link, names } = this.#relay;
    const key = names.record(streamId);
    let superseded = 0;
    for (;;) {
      const { epoch, ttlSeconds } = this.#newClaim();
      // Opened before the record is written: whoever reads the record finds its producer.
      const opened = this.#openClaim(streamId, { epoch, producer, isWon: false });
      try {
        const [previous] = await Promise.all([
          this.#claimLink.replace(key, { epoch, ttlSeconds }),
          this.#claimLink.bounded("subscribe for", opened.ready),
        ]);
        if (previous.status === "claimed") {
          this.#epochs.observe(previous.epoch);
          superseded = Math.max(superseded, previous.epoch);
        }
      } catch (error) {
        background(this.#abandon(opened, key), (failure) => link.report(failure));
        throw error;
      }
      if (superseded < epoch) {
        if (superseded > 0) background(this.#fence(streamId, superseded), (error) => link.report(error));
        opened.won();
        return { status: "won", claim: opened };
      }
      // The clock of what it supersedes runs ahead of ours: claim again, above it.
      await opened.close();
    }
  }

  /** Tells producers of epochs up to `epoch` that they were superseded: again for a while, since one may be subscribing only now. */
  async #fence(streamId: string, epoch: number): Promise<void> {
    const { clock, link, names, settings } = this.#relay;
    const message = encodeRequest({ type: "fence", epoch });
    const until = clock.now() + settings.ackTimeoutMs;
    for (let attempt = 0; clock.now() < until && !this.#closing.signal.aborted; attempt++) {
      await link.publish(names.request(streamId), message);
      await sleep(clock, backoffMs(attempt, FENCING), this.#closing.signal);
    }
  }

  /** Nobody will produce under this claim: it must not keep the id, whether it was written or not. */
  async #abandon(claim: RelayClaim, key: string): Promise<void> {
    await claim.close();
    await this.#relay.link.freeIf(key, claimValue(claim.epoch));
  }

  /** A claim answered after its caller gave up holds an id that nobody produces: it is set free. */
  async #releasedIfLate(answer: Promise<boolean>, claim: { key: string; epoch: number }): Promise<boolean> {
    try {
      return await this.#claimLink.bounded("claim", answer);
    } catch (error) {
      const { link } = this.#relay;
      background(
        answer.then((won) => (won ? link.freeIf(claim.key, claimValue(claim.epoch)) : false)),
        (late) => link.report(late),
      );
      throw error;
    }
  }

  #openClaim(
    streamId: string,
    claimed: { epoch: number; producer: ClaimRequest["producer"]; isWon: boolean },
  ): RelayClaim {
    const claim: RelayClaim = new RelayClaim({
      streamId,
      ...claimed,
      relay: this.#relay,
      onClosed: () => this.#claims.delete(claim),
    });
    this.#claims.add(claim);
    return claim;
  }

  #newClaim(): { epoch: number; ttlSeconds: number } {
    return { epoch: this.#epochs.next(), ttlSeconds: this.#options.settings.retentionSeconds };
  }

  #openWatch(streamId: string): StreamWatch {
    const watch: StreamWatch = new StreamWatch({
      streamId,
      relay: this.#relay,
      requests: this.#requests,
      onClosed: (released) => {
        if (this.#watches.get(streamId) === watch) this.#watches.delete(streamId);
        this.#releasing.add(released);
        background(
          released.then(() => this.#releasing.delete(released)),
          (error) => this.#relay.link.report(error),
        );
      },
    });
    this.#watches.set(streamId, watch);
    // One that could not subscribe serves nobody: the next follower tries anew.
    background(watch.ready, () => {
      if (this.#watches.get(streamId) === watch) this.#watches.delete(streamId);
    });
    return watch;
  }

  #ask(
    streamId: string,
    what:
      | { type: "read"; from: number; maxUnits: number; epoch: number | undefined }
      | { type: "stop"; reason: string | undefined },
  ): Promise<ReadResult> {
    const watch = this.#watches.get(streamId);
    watch?.asked();
    const interest = { listenerId: this.#requests.listenerId, keepMs: watch?.keepMs ?? 0 };
    return this.#requests.ask({
      streamId,
      build: (requestId) => ({ ...what, requestId, ...interest }),
    });
  }

  async #whileWatching<T>(streamId: string, run: () => Promise<T>): Promise<T> {
    const watch = this.watch(streamId, () => undefined);
    try {
      await watch.ready;
      return await run();
    } finally {
      watch.close();
    }
  }
}
