// The log transport over Postgres: the text lives in a table, and outlives its producer.

import { ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/clock.ts";
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
import type { PostgresClaim } from "./claim.ts";
import { type Row, toError } from "./database.ts";
import { Watches } from "./watches.ts";
import { Handovers, MAX_HANDOVERS, type NamedStream } from "./handovers.ts";
import { encodeHints } from "./hints.ts";
import { Listener } from "./listener.ts";
import { createHint, createKey } from "./names.ts";
import { type SessionState, toNumber, toText } from "./parse.ts";
import { Reader } from "./reader.ts";
import { type PostgresParts, run, runForCaller } from "./parts.ts";
import { Writer } from "./writer.ts";

/** How often a caller that stops a stream looks whether it has stopped: most producers take 10 ms. */
const LOOKS = { firstMs: 5, maxMs: 250 };

export function postgresTransport(context: PostgresParts, keyPrefix: string): Transport {
  return new PostgresTransport(context, keyPrefix);
}

class PostgresTransport implements Transport {
  readonly keepsText = true;

  readonly #context: PostgresParts;
  readonly #keyPrefix: string;
  readonly #handovers: Handovers;
  readonly #listener: Listener;
  readonly #watches: Watches;
  readonly #reader: Reader;
  readonly #writer: Writer;
  /** Ends the producers' use of the listener; absent while there are none. */
  #stopUsing: (() => void) | undefined;

  constructor(context: PostgresParts, keyPrefix: string) {
    this.#context = context;
    this.#keyPrefix = keyPrefix;
    this.#listener = new Listener({
      context,
      onHints: (kind, names) => this.#onHints(kind, names),
      onProven: (isProven) => this.#watches.proven(isProven),
    });
    const handovers = new Handovers(context, (key) => this.#tellOver(key));
    this.#handovers = handovers;
    this.#watches = new Watches(context, { handovers, listener: this.#listener });
    const onState = (key: string, state: SessionState): void => this.#watches.observe(key, state);
    this.#reader = new Reader(context, { handovers, onState });
    const onEmpty = (): void => {
      this.#stopUsing?.();
      this.#stopUsing = undefined;
    };
    this.#writer = new Writer(context, { handovers, onEmpty });
  }

  async claim(streamId: string, request: ClaimRequest): Promise<ClaimResult> {
    const key = this.#key(streamId);
    // Its lease may have lapsed while nobody could renew one.
    const mayLive = request.mode !== "supersede" && this.#context.database.outages.isSettling;
    if (mayLive && (await this.status(streamId)) === "running") return { status: "running" };
    const handovers = request.isOwed ? MAX_HANDOVERS : null;
    const ask = async (mode: ClaimRequest["mode"], isOwedGivenUp: boolean): Promise<Row | undefined> => {
      const values = [key, mode, this.#context.settings.retentionSeconds * 1000, handovers, isOwedGivenUp];
      const [row] = await runForCaller(this.#context, "claim", values, ([late]) => {
        if (late) this.#lateClaim({ key, streamId }, request, late);
      });
      return row;
    };
    let row = await ask(request.mode, false);
    if (!row && request.mode === "supersede") {
      // The app gets a dead producer's text before that is deleted.
      await this.#handovers.untilOver({ key, streamId });
      row = await ask(request.mode, true);
    }
    // A stream that is done looks the same here. The read that follows tells.
    if (!row) return { status: "running" };
    const claim = this.#openClaim({ key, streamId }, request, row);
    if (request.mode === "supersede" && row["was_there"] === true)
      await this.#tellSuperseded(key, claim.epoch);
    return { status: "won", claim };
  }

  #openClaim(stream: NamedStream, { producer }: ClaimRequest, row: Row): PostgresClaim {
    const { key } = stream;
    this.#handovers.succeed(stream, toText(row["owed_epochs"]).split(" ").filter(Boolean).map(Number));
    const claim = this.#writer.open(key, { epoch: toNumber(row, "epoch"), producer });
    this.#stopUsing ??= this.#listener.use();
    return claim;
  }

  /** Its caller has given up, and may run without: if not, the row must not say for a lease that somebody writes it. */
  #lateClaim(stream: NamedStream, request: ClaimRequest, row: Row): void {
    const { key } = stream;
    const claim = this.#openClaim(stream, request, row);
    if (request.mode === "supersede" && row["was_there"] === true) {
      background(this.#tellSuperseded(key, claim.epoch), () => undefined);
    }
    if (request.onLate?.(claim)) return;
    this.#writer.abandon(claim);
    background(run(this.#context, "release", [key, claim.epoch]), () => {
      // Its lease lapses by itself.
    });
  }

  async status(streamId: string): Promise<StreamStatus> {
    const state = await this.#handovers.look({ key: this.#key(streamId), streamId });
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
    // A caller that comes while the database is away waits no longer than this; the read has a follower's patience.
    if (this.#context.database.outages.isAway) await this.status(streamId);
    // The read's own row tells it, in the same round trip.
    return { status: "running", epoch: undefined };
  }

  watch(streamId: string, onSignal: (signal: WatchSignal) => void): Watch {
    return this.#watches.watch({ key: this.#key(streamId), streamId }, onSignal);
  }

  read(streamId: string, { from, maxUnits, epoch, replays = false }: ReadRequest): Promise<ReadResult> {
    const isBound = epoch !== undefined;
    return this.#reader.read({ key: this.#key(streamId), streamId, from, maxUnits, isBound, replays });
  }

  async stop(streamId: string, { reason, epoch }: StopRequest): Promise<boolean> {
    const key = this.#key(streamId);
    const [row] = await runForCaller(this.#context, "stop", [key, storable(reason), epoch ?? null]);
    if (!row) return false;
    background(this.#notify(encodeHints("asked", [createHint(key)])), () => {
      // A hint that is lost costs the time to the producer's next heartbeat.
    });
    return this.#hasStopped({ key, streamId }, toNumber(row, "epoch"));
  }

  /** Whether the producer has done what its row asks of it: a row that is marked has stopped nothing yet. */
  async #hasStopped(stream: NamedStream, epoch: number): Promise<boolean> {
    const { clock, handOver, settings } = this.#context;
    const askedAt = clock.now();
    // A producer that lives looks at its row three times a lease; by another statement it writes its end.
    const patienceMs = settings.leaseMs + 2 * settings.statementTimeoutMs + (handOver?.timeoutMs ?? 0);
    for (let look = 0; ; look++) {
      await sleep(clock, backoffMs(look, LOOKS));
      const state = await this.#handovers.look(stream);
      if (state?.epoch !== epoch) return false;
      if (state.end !== undefined) return state.end === "stopped";
      if (clock.now() - askedAt >= patienceMs) throw notStoppedError(patienceMs);
    }
  }

  async lastEnd(streamId: string): Promise<RecordedEnd | undefined> {
    const [row] = await runForCaller(this.#context, "lastEnd", [this.#key(streamId)]);
    if (!row) return undefined;
    const end = row["status"] === "stopped" ? "stopped" : "done";
    return { epoch: toNumber(row, "epoch"), tail: toNumber(row, "tail"), end };
  }

  async close(): Promise<void> {
    this.#reader.close();
    await Promise.all([this.#writer.close(), this.#handovers.close()]);
    this.#watches.close();
    await this.#listener.close();
    await this.#context.database.close();
  }

  #key(streamId: string): string {
    return createKey(this.#keyPrefix, streamId);
  }

  #onHints(kind: "moved" | "asked" | "fence", names: readonly string[]): void {
    switch (kind) {
      case "moved":
        return this.#watches.moved(names);
      case "asked":
        return this.#writer.asked(names);
      case "fence":
        // Anybody may send a notification: the row tells whether a newer producer has it.
        return this.#writer.asked(names.slice(0, 1));
    }
  }

  /** A stream that counted as running until the app had its text. */
  #tellOver(key: string): void {
    const hint = createHint(key);
    this.#watches.moved([hint]);
    background(this.#notify(encodeHints("moved", [hint])), () => {
      // A hint that is lost costs followers the time to their next check.
    });
  }

  /** Whoever follows the newer stream after this call shouldn't find the older one where that was produced. */
  async #tellSuperseded(key: string, epoch: number): Promise<void> {
    const hint = createHint(key);
    try {
      await this.#notify([...encodeHints("fence", [hint, String(epoch)]), ...encodeHints("moved", [hint])]);
    } catch (error) {
      // The older producer learns it by its next append or heartbeat.
      this.#context.onError(toError("tell the older producer", error));
    }
  }

  #notify(payloads: readonly string[]): Promise<Row[]> {
    return run(this.#context, "notify", [this.#context.channel, JSON.stringify(payloads)]);
  }
}

function notStoppedError(patienceMs: number): ResumableStreamError {
  return new ResumableStreamError(
    "TRANSPORT_UNAVAILABLE",
    `Cannot tell whether the stream was stopped: its producer holds its lease and hasn't answered within ${patienceMs} ms. It stops once it looks at its row.`,
  );
}

/** A reason is told to the source, so that it may be any string; what Postgres can't hold is replaced. */
function storable(reason: string | undefined): string | null {
  return reason === undefined ? null : reason.toWellFormed().replaceAll("\0", "\uFFFD");
}
