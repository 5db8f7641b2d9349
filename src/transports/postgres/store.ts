// The log's store over Postgres: two tables, and notifications as hints.

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
import { Appends } from "./appends.ts";
import { Claims } from "./claims.ts";
import { isForbidden, isRefusal, reasonOf, type Row } from "./database.ts";
import { Ears } from "./ears.ts";
import { storable, textFrom } from "./entries.ts";
import { encodeHints, type HintKind, moved, type Said } from "./hints.ts";
import { Listener } from "./listener.ts";
import { channelOf, createHint, createKey } from "./names.ts";
import { isTrue, parseEntries, parseRecord, parseStatus, toNumber, toText, wholeText } from "./parse.ts";
import { notify, type PostgresParts, run, runForCaller, tell } from "./parts.ts";
import { Reads } from "./reads.ts";

/** The most that one statement carries, so that it fits its deadline. */
const MAX_STATEMENT_UNITS = 1_048_576;
/** The most that a page holds: with the row that reaches beyond it, below 256 KiB in UTF-8, whatever the text. */
const MAX_PAGE_UNITS = 65_536;
/** How often followers that notifications reach look all the same: at the lease, the row, and the listener itself. */
const CHECK_MS = 2_500;
/** … once streams are silent: a model that thinks needs no look, and its lease is looked at whatever this says. */
const IDLE_CHECK_MS = 10_000;
/** A follower that has heard nothing for this long, no check either, reads by itself. */
export const SILENCE_MS = 12_500;
/** How long a producer writes at once after it was told that somebody follows. */
const WATCHED_MS = 45_000;
/** The mark is made again when this much of it is left: a check, and one that is late. */
const MARK_AGAIN_MS = IDLE_CHECK_MS * 1.5;

export class PostgresStore implements LogStore {
  readonly name: string = "Postgres";
  readonly maxAppendUnits: number = MAX_STATEMENT_UNITS;
  readonly maxPageUnits: number = MAX_PAGE_UNITS;
  /** A commit of its own for each stream would cost a flush to disk each. */
  readonly isApart: boolean = false;
  readonly mayForget: boolean = false;

  readonly #context: PostgresParts;
  readonly #keyPrefix: string;
  readonly #listener: Listener;
  readonly #claims: Claims;
  readonly #reads: Reads;
  readonly #appends: Appends;
  readonly #ears = new Ears();
  #storeListener: StoreListener | undefined;
  /** This process has producers. */
  #isHearing = false;
  /** The listening connection was lost under them. */
  #hasMissed = false;

  constructor(context: PostgresParts, keyPrefix: string) {
    this.#context = context;
    this.#keyPrefix = keyPrefix;
    this.#listener = new Listener({
      context,
      onHints: (kind, names) => this.#onHints(kind, names),
      onProven: (isProven) => this.#onProven(isProven),
    });
    this.#claims = new Claims(context);
    this.#reads = new Reads(context);
    this.#appends = new Appends(context);
  }

  get outages(): Outages {
    return this.#context.database.outages;
  }

  get isClosed(): boolean {
    return this.#context.database.isClosed();
  }

  get checkMs(): number {
    return this.#listener.isProven ? CHECK_MS : Math.min(this.#context.settings.pollIntervalMs, CHECK_MS);
  }

  get idleCheckMs(): number {
    return this.#listener.isProven ? IDLE_CHECK_MS : this.checkMs;
  }

  start(listener: StoreListener): void {
    this.#storeListener = listener;
  }

  keyOf(streamId: string): string {
    return createKey(this.#keyPrefix, streamId);
  }

  hintOf(key: string): string {
    return createHint(key);
  }

  claim(key: string, ask: ClaimAsk, onLate: (late: Claimed) => void): Promise<Claimed | undefined> {
    return this.#claims.claim(key, ask, onLate);
  }

  async tellSuperseded(key: string, { epoch }: Claimed): Promise<void> {
    const hint = createHint(key);
    const fences = this.#toProducers("fence", [hint, String(epoch)]);
    await notify(this.#context, [...fences, moved(this.#context.channel, hint)]);
  }

  append(appends: readonly Append[]): Promise<readonly AppendAnswer[]> {
    return this.#appends.append(appends);
  }

  isRefusal(error: unknown): boolean {
    return isRefusal(error);
  }

  async release(key: string, epoch: number): Promise<void> {
    await run(this.#context, "release", [key, epoch]);
  }

  read(request: PageRequest): Promise<StoredPage | undefined> {
    return this.#reads.read(request);
  }

  async look(key: string): Promise<StreamRecord | undefined> {
    const [row] = await runForCaller(this.#context, "status", [key]);
    // It asks for less than a page's row has.
    return row && parseRecord({ tail: 0, lease_ms: null, watched_ms: null, ...row });
  }

  async check(keys: readonly string[]): Promise<readonly (StreamRecord | undefined)[]> {
    return this.#records(keys, (input) =>
      this.#listener.prove((proof) => run(this.#context, "check", [input, ...(proof ?? ["", null])])),
    );
  }

  async mark(
    followed: readonly string[],
    own: readonly string[],
  ): Promise<readonly (StreamRecord | undefined)[]> {
    const keys = [...followed, ...own];
    return this.#records(keys, async (input) => {
      const rows = await this.#markOrAsk(followed, input);
      const news = rows.filter((row) => isTrue(row, "is_news")).map((row) => keys[toNumber(row, "n")] ?? "");
      this.#ask(...news);
      return rows;
    });
  }

  /** A role that may only read asks, by a notification, which needs no right to a table. A producer would ask itself, for ever. */
  async #markOrAsk(followed: readonly string[], input: string): Promise<Row[]> {
    try {
      return await run(this.#context, "mark", [input, WATCHED_MS]);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      await notify(this.#context, this.#toProducers("followed", followed.map(createHint)));
      return [];
    }
  }

  needsMark({ watchedMs }: StreamRecord): boolean {
    return watchedMs <= MARK_AGAIN_MS;
  }

  async stop(key: string, { reason, epoch }: StopRequest): Promise<number | undefined> {
    const values = [key, storable(reason), epoch ?? null];
    const repeatedAs = [...values, this.#context.settings.statementTimeoutMs];
    const [row] = await runForCaller(this.#context, "stop", [...values, 0], { repeatedAs });
    if (!row) return undefined;
    this.#ask(key);
    return toNumber(row, "epoch");
  }

  async lastEnd(key: string): Promise<RecordedEnd | undefined> {
    const [row] = await runForCaller(this.#context, "lastEnd", [key]);
    if (!row) return undefined;
    const end = toText(row, "status") === "stopped" ? "stopped" : "done";
    return { epoch: toNumber(row, "epoch"), tail: toNumber(row, "tail"), end };
  }

  async elect(key: string, forMs: number): Promise<Elected | undefined> {
    const [row] = await run(this.#context, "elect", [key, forMs]);
    if (!row) return undefined;
    const status = parseStatus(toText(row, "status"));
    return {
      epoch: toNumber(row, "epoch"),
      end: status === "running" || status === "lapsed" ? "lost" : status,
      startedAtMs: toNumber(row, "started_ms"),
      text: wholeText(row, toNumber(row, "tail")),
    };
  }

  async handedOver(key: string, epoch: number, isTaken: boolean): Promise<void> {
    await run(this.#context, "handedOver", [key, epoch, isTaken]);
  }

  async takeOwed(key: string, epoch: number, forMs: number): Promise<Owed> {
    const [row] = await run(this.#context, "takeOwed", [key, epoch, forMs]);
    if (row && isTrue(row, "is_taken")) {
      const entries = parseEntries(row);
      const isLost = entries.range === undefined && !isTrue(row, "is_empty");
      return { status: "taken", text: isLost ? undefined : textFrom(0, entries) };
    }
    if (!row || !isTrue(row, "is_there")) return { status: "unknown" };
    return { status: "elsewhere", leaseMs: Math.max(toNumber(row, "lease_ms"), 0) };
  }

  tellMoved(key: string): void {
    tell(this.#context, [moved(this.#context.channel, createHint(key))]);
  }

  listen(key: string, onSignal: (signal: WatchSignal) => void): StreamEar {
    const hint = createHint(key);
    const stopHearing = this.#ears.add(hint, onSignal);
    const stopUsing = this.#listener.use(channelOf(this.#context.channel, hint), () =>
      this.#ears.missed(hint),
    );
    return {
      close: () => {
        stopUsing();
        stopHearing();
      },
    };
  }

  hear(): () => void {
    this.#isHearing = true;
    const stopUsing = this.#listener.use(this.#context.channel, () => undefined);
    return () => {
      this.#isHearing = false;
      stopUsing();
    };
  }

  reasonOf(error: unknown): string {
    return reasonOf(error);
  }

  async close(): Promise<void> {
    this.#reads.close();
    await this.#listener.close();
    await Promise.allSettled(this.#context.running);
    await this.#context.database.close();
  }

  #onHints(kind: Exclude<HintKind, "proof">, names: readonly string[]): void {
    switch (kind) {
      case "moved":
        for (const hint of names) this.#ears.missed(hint);
        return;
      case "asked":
        return this.#storeListener?.asked(names);
      case "followed":
        return this.#storeListener?.followed(names);
      case "fence":
        // Anybody may send a notification: the row tells whether a newer producer has it.
        return this.#storeListener?.asked(names.slice(0, 1));
    }
  }

  /** Notifications begin or cease: what was said before is lost, and from now on the checks come at another pace. */
  #onProven(isProven: boolean): void {
    if (isProven) this.#ears.allMissed();
    if (isProven && this.#hasMissed) this.#storeListener?.reconnected();
    this.#hasMissed = !isProven && this.#isHearing;
    this.#storeListener?.paceChanged();
  }

  /** Producers look at their rows. */
  #ask(...keys: string[]): void {
    tell(this.#context, this.#toProducers("asked", keys.map(createHint)));
  }

  #toProducers(kind: HintKind, names: readonly string[]): Said[] {
    return encodeHints(kind, names).map((payload) => [this.#context.channel, payload]);
  }

  async #records(
    keys: readonly string[],
    ask: (input: string) => Promise<Row[]>,
  ): Promise<readonly (StreamRecord | undefined)[]> {
    const rows = await ask(JSON.stringify(keys.map((key, n) => ({ n, stream_id: key }))));
    const found = rows.filter((row) => row["epoch"] !== null);
    const answers = new Map(found.map((row) => [toNumber(row, "n"), parseRecord(row)]));
    return keys.map((_, n) => answers.get(n));
  }
}
