// The log's store over Redis: three keys for each stream, five scripts, and messages as hints.

import { background } from "../../lib/background.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ResumableStreamError } from "../../port/errors.ts";
import type { RecordedEnd, StopRequest, WatchSignal } from "../../port/transport.ts";
import type { Outages } from "../log/outages.ts";
import type {
  Append,
  AppendAnswer,
  ClaimAsk,
  Claimed,
  Elected,
  LogStore,
  Owed,
  PageRequest,
  StoredPage,
  StoreListener,
  StreamEar,
  StreamRecord,
} from "../log/store.ts";
import { toList, toListOrNothing, toNumber, toText, unexpected } from "./answers.ts";
import { RedisClaims, stopMark, toEnd } from "./claims.ts";
import type { LogConnection } from "./connection.ts";
import { Ears } from "./ears.ts";
import { MOVED } from "./live.ts";
import { keyOf, liveChannelOf } from "./names.ts";
import { MAX_PAGE_UNITS, RedisReads } from "./reads.ts";
import { LogRequests } from "./requests.ts";
import { joinFrom, parseEntries } from "./runs.ts";

/** A script blocks its server: one that writes as much for 0.28 ms. */
const MAX_WRITE_UNITS = 131_072;
/**
 * How often followers look all the same: at the lease, and whether the producer still knows of them. Below the default of
 * `livenessMs`: one look for all followers of a stream, and not a read by each.
 */
const CHECK_MS = 2_500;

export interface RedisStoreOptions {
  connection: LogConnection;
  keyPrefix: string;
  retentionSeconds: number;
  leaseMs: number;
  /** How long any script may take. */
  requestTimeoutMs: number;
  clock: Clock;
  /** Names this context among all of the server. */
  name: string;
  onError: (error: ResumableStreamError) => void;
}

export class RedisStore implements LogStore {
  readonly name: string = "Redis";
  readonly maxAppendUnits: number = MAX_WRITE_UNITS;
  readonly maxPageUnits: number = MAX_PAGE_UNITS;
  /** Each stream's write is a script: those of a turn go out together, and none waits for another's node. */
  readonly isApart: boolean = true;
  /** A server that restarts empty, fails over or evicts keys: the producer writes them again. */
  readonly mayForget: boolean = true;
  readonly checkMs: number = CHECK_MS;
  readonly idleCheckMs: number = CHECK_MS;

  readonly #options: RedisStoreOptions;
  readonly #requests: LogRequests;
  readonly #claims: RedisClaims;
  readonly #ears: Ears;
  readonly #reads: RedisReads;
  #listener: StoreListener | undefined;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    const { clock, connection, keyPrefix, leaseMs, name, onError, requestTimeoutMs, retentionSeconds } =
      options;
    this.#requests = new LogRequests({ clock, connection, leaseMs, onError, timeoutMs: requestTimeoutMs });
    this.#reads = new RedisReads({
      requests: this.#requests,
      tellFollowed: (inbox, key) => this.#hint(inbox, key),
    });
    const onAsked = (key: string): void => this.#listener?.asked([key]);
    const onReconnect = (awayMs: number): void => {
      // In less no lease lapses: each is renewed while two thirds of it are left. Some clients give up what is idle again and again.
      if (awayMs >= leaseMs / 2) connection.outages.reconnected();
      this.#listener?.reconnected();
    };
    this.#ears = new Ears({
      clock,
      connection,
      timeoutMs: requestTimeoutMs,
      keyPrefix,
      name,
      onAsked,
      onError,
      onReconnect,
    });
    const { inbox } = this.#ears;
    this.#claims = new RedisClaims({
      requests: this.#requests,
      clock,
      retentionSeconds,
      leaseMs,
      inbox,
      name,
    });
  }

  get outages(): Outages {
    return this.#options.connection.outages;
  }

  get isClosed(): boolean {
    return this.#options.connection.isClosed();
  }

  start(listener: StoreListener): void {
    this.#listener = listener;
  }

  keyOf(streamId: string): string {
    return keyOf(this.#options.keyPrefix, streamId);
  }

  /** The whole key: messages have room for it. */
  hintOf(key: string): string {
    return key;
  }

  claim(key: string, ask: ClaimAsk, onLate: (late: Claimed) => void): Promise<Claimed | undefined> {
    return this.#claims.claim(key, ask, onLate);
  }

  /** The claim itself told the followers. */
  async tellSuperseded(key: string, claimed: Claimed): Promise<void> {
    const inbox = this.#claims.olderInbox(claimed);
    if (inbox !== "") await this.#requests.publish(inbox, key);
  }

  append(appends: readonly Append[]): Promise<readonly AppendAnswer[]> {
    return Promise.all(appends.map((append) => this.#claims.append(append)));
  }

  async release(key: string, epoch: number): Promise<void> {
    await this.#settle("release", key, { epoch });
  }

  read(request: PageRequest): Promise<StoredPage | undefined> {
    return this.#reads.read(request);
  }

  look(key: string): Promise<StreamRecord | undefined> {
    return this.#reads.look(key);
  }

  async check(keys: readonly string[]): Promise<readonly (StreamRecord | undefined)[]> {
    const reads = keys.map((key) =>
      this.read({ key, epoch: undefined, from: 0, maxUnits: 0, isBound: false }),
    );
    const pages = await Promise.allSettled(reads);
    // One node of a cluster may be away: its streams look as if they had no record, which a read of their own finds out about.
    const failed = pages.filter((page) => page.status === "rejected");
    if (failed[0] && failed.length === keys.length) throw failed[0].reason;
    return pages.map((page) => (page.status === "fulfilled" ? page.value?.record : undefined));
  }

  /** Reads and checks do it. */
  needsMark(): boolean {
    return false;
  }

  async stop(key: string, { reason, epoch }: StopRequest): Promise<number | undefined> {
    const values = [stopMark(reason), epoch === undefined ? "" : String(epoch)];
    const answer = toListOrNothing(await this.#requests.runForCaller("stop", key, values));
    if (!answer) return undefined;
    const [stopped, inbox] = answer;
    this.#hint(toText(inbox), key);
    return toNumber(stopped);
  }

  async lastEnd(key: string): Promise<RecordedEnd | undefined> {
    const record = await this.look(key);
    if (record?.status !== "done" && record?.status !== "stopped") return undefined;
    return { epoch: record.epoch, tail: record.tail, end: record.status };
  }

  async elect(key: string, forMs: number): Promise<Elected | undefined> {
    const answer = toListOrNothing(await this.#settle("elect", key, { argument: String(Math.ceil(forMs)) }));
    if (!answer) return undefined;
    const [epoch, status, entries, open, tail] = answer;
    return {
      epoch: toNumber(epoch),
      end: toEnd(toText(status)) ?? "lost",
      // Epochs start from the clock, in microseconds.
      startedAtMs: toNumber(epoch) / 1_000,
      text: wholeText(entries, { stop: toNumber(tail), text: toText(open) }),
    };
  }

  async handedOver(key: string, epoch: number, isTaken: boolean): Promise<void> {
    await this.#settle("handed", key, { argument: isTaken ? "1" : "0", epoch });
  }

  async takeOwed(key: string, epoch: number, forMs: number): Promise<Owed> {
    const argument = String(Math.ceil(forMs));
    const [status, rest] = toList(await this.#settle("owed", key, { argument, epoch }));
    switch (toText(status)) {
      case "taken":
        return { status: "taken", text: wholeText(rest) };
      case "elsewhere":
        return { status: "elsewhere", leaseMs: toNumber(rest) };
      case "unknown":
        return { status: "unknown" };
      default:
        throw unexpected("a status");
    }
  }

  tellMoved(key: string): void {
    this.#hint(liveChannelOf(key), MOVED);
  }

  listen(key: string, onSignal: (signal: WatchSignal) => void): StreamEar {
    return this.#ears.listen(key, onSignal);
  }

  hear(): () => void {
    return this.#ears.hear();
  }

  reasonOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
  }

  async close(): Promise<void> {
    await this.#ears.close();
    this.#options.connection.close();
  }

  #settle(
    op: "elect" | "handed" | "owed" | "release",
    key: string,
    { argument = "", epoch }: { argument?: string; epoch?: number },
  ): Promise<unknown> {
    return this.#requests.run("settle", key, [op, argument, epoch === undefined ? "" : String(epoch)]);
  }

  #hint(channel: string, message: string): void {
    if (channel === "") return;
    background(this.#requests.publish(channel, message), () => {
      // A hint that is lost costs a producer's time to its next heartbeat, and a follower's to its next check.
    });
  }
}

/** All text up to a tail, or up to the last entry; undefined if some of it was evicted or deleted. */
function wholeText(value: unknown, open?: { stop: number; text: string }): string | undefined {
  const entries = parseEntries(value);
  // A superseded claim has one at least: the last is at its tail.
  const stop = open?.stop ?? entries.at(-1)?.stop;
  const text = joinFrom(0, entries, open && open.text !== "" ? open : undefined);
  return text?.length === stop ? text : undefined;
}
