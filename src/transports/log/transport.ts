// The log transport: the text lives in a store, and outlives its producer.

import { asResumableStreamError, ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/clock.ts";
import type {
  ClaimRequest,
  ClaimResult,
  Peek,
  ReadRequest,
  ReadResult,
  RecordedEnd,
  StopRequest,
  StreamStatus,
  Transport,
  Watch,
  WatchSignal,
} from "../../port/transport.ts";
import type { LogClaim } from "./claim.ts";
import { Handovers, MAX_HANDOVERS } from "./handovers.ts";
import type { LogParts } from "./parts.ts";
import { Reader } from "./reader.ts";
import type { Claimed, LogStore, NamedStream } from "./store.ts";
import { Watches } from "./watches.ts";
import { Writer } from "./writer.ts";

/** How often a caller that stops a stream looks whether it has stopped: most producers take 10 ms. */
const LOOKS = { firstMs: 5, maxMs: 250 };

export function logTransport(parts: LogParts): Transport {
  return new LogTransport(parts);
}

class LogTransport implements Transport {
  readonly keepsText = true;
  readonly pageUnits: number;

  readonly #parts: LogParts;
  readonly #store: LogStore;
  readonly #handovers: Handovers;
  readonly #watches: Watches;
  readonly #reader: Reader;
  readonly #writer: Writer;
  /** Ends the store's listening for producers; absent while there are none. */
  #stopHearing: (() => void) | undefined;

  constructor(parts: LogParts) {
    const { store } = parts;
    this.#parts = parts;
    this.#store = store;
    this.pageUnits = store.maxPageUnits;
    const handovers = new Handovers(parts, (key) => this.#tellOver(key));
    const watches = new Watches(parts, handovers);
    this.#handovers = handovers;
    this.#watches = watches;
    this.#reader = new Reader(parts, {
      handovers,
      onRecord: (key, record) => watches.observe(key, record),
      lastRunning: (key) => watches.lastRunning(key),
    });
    const onEmpty = (): void => {
      this.#stopHearing?.();
      this.#stopHearing = undefined;
    };
    this.#writer = new Writer(parts, { handovers, onEmpty });
    store.start({
      asked: (hints) => this.#writer.asked(hints),
      followed: (hints) => watches.mark(this.#writer.keysOf(hints)),
      reconnected: () => this.#writer.hurry(),
      paceChanged: () => watches.paceChanged(),
    });
  }

  async claim(streamId: string, request: ClaimRequest): Promise<ClaimResult> {
    const stream = this.#named(streamId);
    // Its lease may have lapsed while nobody could renew one.
    const mayLive = request.mode !== "supersede" && this.#store.outages.isSettling;
    if (mayLive && (await this.status(streamId)) === "running") return { status: "running" };
    const handovers = request.isOwed ? MAX_HANDOVERS : null;
    const ask = (isOwedGivenUp: boolean): Promise<Claimed | undefined> =>
      this.#store.claim(stream.key, { mode: request.mode, handovers, isOwedGivenUp }, (late) =>
        this.#lateClaim(stream, request, late),
      );
    let claimed = await ask(false);
    if (!claimed && request.mode === "supersede") {
      // The app gets a dead producer's text before that is deleted.
      await this.#handovers.untilOver(stream);
      claimed = await ask(true);
    }
    // A stream that is done looks the same here. The read that follows tells.
    if (!claimed) return { status: "running" };
    const claim = this.#openClaim(stream, request, claimed);
    if (request.mode === "supersede" && claimed.wasThere) await this.#tellSuperseded(stream.key, claimed);
    return { status: "won", claim };
  }

  #openClaim(stream: NamedStream, { producer }: ClaimRequest, claimed: Claimed): LogClaim {
    this.#handovers.succeed(stream, claimed.owedEpochs);
    const claim = this.#writer.open(stream.key, { claimed, producer });
    // A claim that was won while the context closed is nobody's: no later end would give the hearing back.
    if (this.#writer.hasClaims) this.#stopHearing ??= this.#store.hear();
    return claim;
  }

  /** Its caller has given up, and may run without: if not, the record must not say for a lease that somebody writes it. */
  #lateClaim(stream: NamedStream, request: ClaimRequest, claimed: Claimed): void {
    const { key } = stream;
    const claim = this.#openClaim(stream, request, claimed);
    if (request.mode === "supersede" && claimed.wasThere) {
      background(this.#tellSuperseded(key, claimed), () => undefined);
    }
    if (request.onLate?.(claim)) return;
    this.#writer.abandon(claim);
    background(this.#store.release(key, claim.epoch), () => {
      // Its lease lapses by itself.
    });
  }

  async status(streamId: string): Promise<StreamStatus> {
    const state = await this.#handovers.look(this.#named(streamId));
    if (!state) return "absent";
    switch (state.end) {
      case undefined:
        return "running";
      case "done":
      case "stopped":
        return "done";
      case "lost":
      case "failed":
        return "failed";
    }
  }

  async peek(streamId: string): Promise<Peek> {
    // A caller that comes while the store is away waits no longer than this; the read has a follower's patience.
    if (this.#store.outages.isAway) await this.status(streamId);
    // The read's own record tells it, in the same round trip.
    return { status: "running", epoch: undefined };
  }

  watch(streamId: string, onSignal: (signal: WatchSignal) => void): Watch {
    return this.#watches.watch(this.#named(streamId), onSignal);
  }

  read(streamId: string, request: ReadRequest): Promise<ReadResult> {
    return this.#reader.read(this.#named(streamId), request);
  }

  async stop(streamId: string, request: StopRequest): Promise<boolean> {
    const stream = this.#named(streamId);
    const epoch = await this.#store.stop(stream.key, request);
    return epoch === undefined ? false : this.#hasStopped(stream, epoch);
  }

  /** Whether the producer has done what its record asks of it: a record that is marked has stopped nothing yet. */
  async #hasStopped(stream: NamedStream, epoch: number): Promise<boolean> {
    const { clock, handOver, settings } = this.#parts;
    const askedAt = clock.now();
    // A producer that lives looks at its record three times a lease; by another request it writes its end.
    const patienceMs = settings.leaseMs + 2 * settings.requestTimeoutMs + (handOver?.timeoutMs ?? 0);
    for (let look = 0; ; look++) {
      await sleep(clock, backoffMs(look, LOOKS));
      const state = await this.#handovers.look(stream);
      if (state?.epoch !== epoch) return false;
      if (state.end !== undefined) return state.end === "stopped";
      if (clock.now() - askedAt >= patienceMs) throw notStoppedError(patienceMs);
    }
  }

  lastEnd(streamId: string): Promise<RecordedEnd | undefined> {
    return this.#store.lastEnd(this.#store.keyOf(streamId));
  }

  async close(): Promise<void> {
    this.#reader.close();
    await Promise.all([this.#writer.close(), this.#handovers.close()]);
    this.#watches.close();
    await this.#store.close();
  }

  #named(streamId: string): NamedStream {
    return { key: this.#store.keyOf(streamId), streamId };
  }

  /** A stream that counted as running until the app had its text. */
  #tellOver(key: string): void {
    this.#watches.moved(key);
    this.#store.tellMoved(key);
  }

  /** Whoever follows the newer stream after this call shouldn't find the older one where that was produced. */
  async #tellSuperseded(key: string, claimed: Claimed): Promise<void> {
    try {
      await this.#store.tellSuperseded(key, claimed);
    } catch (error) {
      // The older producer learns it by its next append or heartbeat.
      const message = `Cannot tell the older producer: ${this.#store.reasonOf(error)}.`;
      this.#parts.onError(asResumableStreamError(error, "TRANSPORT_UNAVAILABLE", message));
    }
  }
}

function notStoppedError(patienceMs: number): ResumableStreamError {
  return new ResumableStreamError(
    "TRANSPORT_UNAVAILABLE",
    `Cannot tell whether the stream was stopped: its producer holds its lease and hasn't answered within ${patienceMs} ms. It stops once it looks at its record.`,
  );
}
