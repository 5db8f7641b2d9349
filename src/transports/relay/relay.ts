// The relay transport: the text lives in its producer's memory, and pub/sub passes it on to whoever asks.

import { attachWeakly, type Tell } from "../../lib/attachment.ts";
import { background } from "../../lib/background.ts";
import type {
  ClaimRequest,
  ClaimResult,
  RecordedEnd,
  Peek,
  ReadRequest,
  ReadResult,
  StopRequest,
  StreamStatus,
  Transport,
  Watch,
  WatchSignal,
} from "../../port/transport.ts";
import { Checks } from "./checks.ts";
import { Epochs } from "./epochs.ts";
import { Link } from "./link.ts";
import { createNames, MAX_KEEP_MS } from "./protocol.ts";
import { RelayClaims } from "./claims.ts";
import { Requests } from "./requests.ts";
import type { RelayParts } from "./parts.ts";
import type { RelayConnection, RelayOptions } from "./relay-options.ts";
import { StreamWatch } from "./stream-watch.ts";

/** A producer forgets a context that follows and isn't heard of for this many liveness periods. */
const KEEP_PERIODS = 4;

/** What a producer is asked for. */
type Asked =
  | { type: "read"; from: number; maxUnits: number; epoch: number | undefined }
  | { type: "stop"; reason: string | undefined; epoch: number | undefined }
  | { type: "stop-only"; reason: string | undefined; epoch: number };

export function relayTransport(options: RelayOptions): Transport {
  return new RelayTransport(options);
}

class RelayTransport implements Transport {
  readonly keepsText = false;
  /** A message below the 128 KiB from where V8 gives a string pages of its own: larger and smaller ones took 1.2 to 1.4 times as long for 10 MB. */
  readonly pageUnits = 130_000;

  readonly #connection: RelayConnection;
  readonly #relay: RelayParts;
  readonly #requests: Requests;
  readonly #checks: Checks;
  readonly #keepMs: number;
  readonly #epochs: Epochs;
  readonly #claims: RelayClaims;
  readonly #watches = new Map<string, StreamWatch>();
  /** Watches that give their channels back. */
  readonly #releasing = new Set<Promise<unknown>>();
  /** Reads in flight: followers at the same offset share one. */
  readonly #reads = new Map<string, Promise<ReadResult>>();
  readonly #stopListening: () => void;

  constructor(options: RelayOptions) {
    const { clock, connection, onError, random, settings } = options;
    const port = connection.publishPort;
    this.#connection = connection;
    this.#relay = {
      owner: this,
      contextId: random.uuid(),
      settings,
      names: createNames(options.keyPrefix),
      link: new Link({ port, clock, timeoutMs: settings.ackTimeoutMs, onError }),
      subscriptions: connection.subscriptions,
      clock,
      onError,
      handOver: options.handOver,
      stepVerdict: options.stepVerdict,
      stepClaim: options.stepClaim,
    };
    this.#requests = new Requests(this.#relay, (answer) => this.#checks.receive(answer));
    this.#keepMs = Math.min(KEEP_PERIODS * settings.livenessMs, MAX_KEEP_MS);
    this.#checks = new Checks({
      relay: this.#relay,
      watches: this.#watches,
      keepMs: this.#keepMs,
      newRequestId: () => this.#requests.newId(),
      onAnswered: (contextId) => this.#requests.heardOf(contextId),
    });
    this.#epochs = new Epochs(clock, random);
    this.#claims = new RelayClaims({
      relay: this.#relay,
      // Claims wait longer than other calls, and a caller waits for them.
      link: new Link({ port, clock, timeoutMs: options.claimTimeoutMs, isStrict: true, onError }),
      epochs: this.#epochs,
    });
    this.#stopListening = attachWeakly<RelayTransport>(this, (tell) => attach(connection, tell));
  }

  /** The publisher's connection is back after a loss. */
  publisherReconnected(): void {
    this.#claims.reconnected();
  }

  /** The subscriber's is. */
  subscriberReconnected(): void {
    this.#requests.reconnected();
    for (const watch of this.#watches.values()) watch.signal({ type: "missed" });
  }

  report(error: unknown): void {
    this.#relay.link.report(error);
  }

  claim(streamId: string, request: ClaimRequest): Promise<ClaimResult> {
    return this.#claims.claim(streamId, request);
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
    // Asked: that somebody is subscribed is no sign of life, as servers count who has lost its power for as long as TCP does.
    const result = await this.#whileListening(() =>
      this.read(streamId, { from: 0, maxUnits: 0, epoch: record.epoch }),
    );
    switch (result.status) {
      case "page":
        // A producer that lingers after its end.
        if (result.page.end === undefined) return "running";
        return result.page.end === "done" || result.page.end === "stopped" ? "done" : "absent";
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
    const reading = this.#read(streamId, request).finally(() => {
      if (this.#reads.get(key) === reading) this.#reads.delete(key);
    });
    this.#reads.set(key, reading);
    return reading;
  }

  async #read(streamId: string, request: ReadRequest): Promise<ReadResult> {
    const result = await this.#ask(streamId, { type: "read", ...request });
    // The one that named its producer may have all of its text, and have missed nothing but the end.
    if (result.status === "done" && request.epoch !== undefined)
      return { ...result, last: await this.lastEnd(streamId) };
    if (result.status !== "page" || result.page.epoch >= (request.epoch ?? 0)) return result;
    // The reply is of an older claim. Either that producer doesn't know yet that it was superseded, or the newer one is gone.
    // The record tells which.
    return (await this.#mayAnswer(streamId, request.epoch)) ? result : { status: "lost" };
  }

  /** Whether the record is this claim's, as far as is known. A producer that is done may still answer. */
  async #mayAnswer(streamId: string, epoch: number | undefined): Promise<boolean> {
    const record = await this.peek(streamId);
    if (record.status === "running") return record.epoch === epoch;
    if (record.status === "absent") return false;
    const last = await this.lastEnd(streamId);
    return last === undefined || last.epoch === epoch;
  }

  async stop(streamId: string, { reason, epoch: only }: StopRequest): Promise<boolean> {
    const record = await this.peek(streamId);
    if (record.status !== "running") return false;
    if (only !== undefined && record.epoch !== undefined && record.epoch !== only) return false;
    const what: Asked =
      only === undefined
        ? { type: "stop", reason, epoch: record.epoch }
        : { type: "stop-only", reason, epoch: only };
    const result = await this.#whileListening(() => this.#ask(streamId, what));
    if (result.status !== "page" || result.page.end !== "stopped") return false;
    return only === undefined || result.page.epoch === only;
  }

  lastEnd(streamId: string): Promise<RecordedEnd | undefined> {
    return this.#relay.link.lastEnd(this.#relay.names.record(streamId));
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#checks.stop();
    await this.#claims.close();
    await Promise.all(this.#releasing);
    this.#connection.close();
  }

  #openWatch(streamId: string): StreamWatch {
    const watch: StreamWatch = new StreamWatch({
      streamId,
      relay: this.#relay,
      requests: this.#requests,
      keepMs: this.#keepMs,
      onClosed: (released) => {
        if (this.#watches.get(streamId) === watch) this.#watches.delete(streamId);
        if (this.#watches.size === 0) this.#checks.stop();
        this.#release(released);
      },
    });
    this.#watches.set(streamId, watch);
    this.#checks.start();
    // A watch that could not subscribe serves nobody: the next follower tries anew.
    background(watch.ready, () => {
      if (this.#watches.get(streamId) === watch) this.#watches.delete(streamId);
    });
    return watch;
  }

  #ask(streamId: string, what: Asked): Promise<ReadResult> {
    const watch = this.#watches.get(streamId);
    watch?.asked();
    const interest = { listenerId: this.#relay.contextId, keepMs: watch ? this.#keepMs : 0 };
    return this.#requests.ask({
      streamId,
      from: what.type === "read" ? what.from : undefined,
      epoch: what.epoch,
      heard: watch?.heard,
      build: (requestId) => ({ ...what, requestId, ...interest }),
    });
  }

  /** For a question that follows nothing: its answer comes to this process's inbox. */
  async #whileListening<T>(run: () => Promise<T>): Promise<T> {
    const inbox = this.#requests.openInbox();
    try {
      await this.#relay.link.subscribed("subscribe for", inbox.ready);
      return await run();
    } finally {
      this.#release(this.#relay.link.subscribed("unsubscribe from", inbox.release()));
    }
  }

  #release(released: Promise<unknown>): void {
    this.#releasing.add(released);
    background(
      released.finally(() => this.#releasing.delete(released)),
      (error) => this.#relay.link.report(error),
    );
  }
}

function attach(connection: RelayConnection, tell: Tell<RelayTransport>): ReadonlyArray<() => void> {
  return [
    connection.publishPort.onReconnect(() => tell((relay) => relay.publisherReconnected())),
    connection.onSubscriberReconnect(() => tell((relay) => relay.subscriberReconnected())),
    connection.onError((error) => tell((relay) => relay.report(error))),
  ];
}
