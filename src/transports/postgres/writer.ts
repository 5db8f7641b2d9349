// The group commit: one statement per tick writes what all streams of the process have, checks each one's epoch, extends its
// lease, and learns who was fenced, who is asked to stop and who is watched. One statement in flight, all that gathers
// meanwhile in the next.

import { asResumableStreamError, ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import type { Cancel } from "../../lib/clock.ts";
import { createDeferred } from "../../lib/deferred.ts";
import type { EndKind, ProducerPort } from "../../port/transport.ts";
import { type Portion, PostgresClaim } from "./claim.ts";
import { reasonOf, type Row } from "./database.ts";
import type { Handovers } from "./handovers.ts";
import { encodeHints } from "./hints.ts";
import { createHint } from "./names.ts";
import { toNumber, toText } from "./parse.ts";
import { type PostgresParts, run } from "./parts.ts";

/** What one statement carries at most, in code units, so that it fits its deadline. */
const MAX_STATEMENT_UNITS = 1_048_576;
const RETRY = { firstMs: 50, maxMs: 1_000 };
/** How long text waits for a database that is away. Its readers here have it all the same. */
const MAX_OUTAGE_MS = 60_000;

export class Writer {
  readonly #context: PostgresParts;
  readonly #handovers: Handovers;
  readonly #claims = new Map<string, PostgresClaim>();
  /** When the next flush is due; absent while none is. */
  #dueAt: number | undefined;
  #cancelTimer: Cancel = () => {};
  #isFlushing = false;
  /** Since when statements fail, and how many did; absent while they don't. */
  #outage: { since: number; count: number } | undefined;
  /** Settles once followers were told of what is written. */
  #told: Promise<unknown> = Promise.resolve();
  /** Resolved when no claim is left, or nothing more can be written; absent until `close`. */
  #closed: ReturnType<typeof createDeferred<void>> | undefined;
  /** Closed, and nothing is written any more. */
  #isOver = false;
  readonly #onEmpty: () => void;

  constructor(context: PostgresParts, { handovers, onEmpty }: { handovers: Handovers; onEmpty: () => void }) {
    this.#context = context;
    this.#handovers = handovers;
    this.#onEmpty = onEmpty;
  }

  open(key: string, { epoch, producer }: { epoch: number; producer: ProducerPort }): PostgresClaim {
    const { clock } = this.#context;
    const claim = new PostgresClaim(
      {
        key,
        hint: createHint(key),
        epoch,
        producer,
        isHandedOver: () => this.#handovers.isAnothers(key, epoch),
        onPending: (pending) => this.#pending(pending),
      },
      clock.now(),
    );
    if (this.#isOver) {
      // Won while the context closed: nobody writes under it any more, and nobody may wait for it.
      claim.close();
      return claim;
    }
    // Two claims of this process: the row is the newer one's, whichever answer comes first.
    const other = this.#claims.get(key);
    if (other && other.epoch > epoch) {
      this.#fence(claim);
      return claim;
    }
    if (other) this.#fence(other);
    this.#claims.set(key, claim);
    this.#dueBy(clock.now() + this.#heartbeatMs);
    return claim;
  }

  /** Nothing is written under it. */
  abandon(claim: PostgresClaim): void {
    this.#drop(claim);
  }

  /** Producers of this process among these look at their rows. */
  asked(hints: readonly string[]): void {
    const asked = new Set(hints);
    for (const claim of this.#claims.values()) {
      if (asked.has(claim.hint)) this.#pending(claim, "asked");
    }
  }

  /** Writes what there is, and settles when all streams have ended or the database doesn't answer. */
  async close(): Promise<void> {
    this.#closed ??= createDeferred<void>();
    if (this.#claims.size === 0) this.#closed.resolve();
    else this.#dueBy(this.#context.clock.now());
    await this.#closed.promise;
    this.#cancelTimer();
    for (const claim of this.#claims.values()) this.#drop(claim);
    this.#isOver = true;
    // The app may end its pool next.
    await this.#told;
  }

  get #heartbeatMs(): number {
    return this.#context.settings.leaseMs / 3;
  }

  #pending(claim: PostgresClaim, why: "text" | "asked" = "text"): void {
    const now = this.#context.clock.now();
    const isUrgent = why === "asked" || claim.isWatched || claim.isEnding || this.#closed !== undefined;
    claim.dueAt = isUrgent ? now : (claim.dueAt ?? now + this.#context.settings.flushIntervalMs);
    this.#dueBy(claim.dueAt);
  }

  /** Has a flush happen by then: in this turn's end if that is now. */
  #dueBy(dueAt: number): void {
    if (this.#isFlushing || this.#outage) return;
    if (this.#dueAt !== undefined && dueAt >= this.#dueAt) return;
    const { clock } = this.#context;
    this.#dueAt = dueAt;
    this.#cancelTimer();
    const delayMs = dueAt - clock.now();
    if (delayMs > 0) this.#cancelTimer = clock.after(delayMs, () => this.#flush());
    // Text that is appended later in this turn goes along.
    else queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#dueAt = undefined;
    this.#cancelTimer();
    if (this.#isFlushing) return;
    const portions = this.#collect();
    if (portions.size === 0) {
      // The streams whose write failed are gone: nothing is left to be tried again. A later stream has the full `MAX_OUTAGE_MS`.
      this.#outage = undefined;
      return this.#next();
    }
    this.#isFlushing = true;
    background(
      this.#write(portions).then(
        () => this.#succeeded(),
        (error: unknown) => this.#failed(error),
      ),
      (error) => this.#report(error),
    );
  }

  /** What is written now. */
  #collect(): Map<PostgresClaim, Portion> {
    const { clock } = this.#context;
    const now = clock.now();
    const portions = new Map<PostgresClaim, Portion>();
    let units = MAX_STATEMENT_UNITS;
    for (const claim of this.#claims.values()) {
      if (claim.notBefore !== undefined && now < claim.notBefore) continue;
      // All that waits goes along, so that streams have one tick and not a phase each.
      const isPending = claim.dueAt !== undefined;
      // Renewed a little early rather than in a statement of its own.
      const isRenewal = now - claim.renewedAt >= this.#heartbeatMs * 0.8;
      if (!isPending && !isRenewal) continue;
      // If the statement is full already, the lease is extended and the text waits.
      const portion = claim.portion(units);
      units -= portion.entries.reduce((sum, { chunk }) => sum + chunk.length, 0);
      portions.set(claim, portion);
    }
    return portions;
  }

  async #write(portions: ReadonlyMap<PostgresClaim, Portion>): Promise<void> {
    const { clock, settings } = this.#context;
    const startedAt = clock.now();
    const streams: unknown[] = [];
    const entries: unknown[] = [];
    for (const [{ key, epoch, owed }, portion] of portions) {
      const { from, tail, end } = portion;
      streams.push({ stream_id: key, epoch, from, tail, ...toColumns(end), owed });
      for (const entry of portion.entries) entries.push({ stream_id: key, ...entry });
    }
    const values = [JSON.stringify(streams), JSON.stringify(entries), settings.retentionSeconds * 1000];
    const rows = await run(this.#context, "append", values);
    const answers = new Map(rows.map((row) => [toText(row["stream_id"]), row]));
    const moved: string[] = [];
    for (const [claim, portion] of portions) {
      const row = answers.get(claim.key);
      if (!row) {
        this.#fence(claim);
        continue;
      }
      if (row["is_busy"] === true) {
        claim.busy(clock.now());
        continue;
      }
      if (row["has"] !== null && row["has"] !== undefined) {
        claim.rewind(toNumber(row, "has"), clock.now());
        continue;
      }
      claim.renewedAt = startedAt;
      claim.isWatched = row["is_watched"] === true;
      if (claim.isWatched && (portion.entries.length > 0 || portion.end)) moved.push(claim.hint);
      this.#wrote(claim, { portion, row });
    }
    this.#notify(moved);
  }

  #wrote(claim: PostgresClaim, { portion, row }: { portion: Portion; row: Row }): void {
    const isComplete = claim.wrote(portion);
    if (portion.end !== undefined) return this.#drop(claim);
    if (row["is_stopped"] === true) claim.producer.stop(toText(row["stop_reason"]) || undefined);
    // The rest of a text that was too long for one statement.
    if (!isComplete) claim.dueAt = this.#context.clock.now();
  }

  /** Followers are told after the commit, in a statement that no append waits for. */
  #notify(names: readonly string[]): void {
    if (names.length === 0) return;
    const payloads = JSON.stringify(encodeHints("moved", names));
    const telling = run(this.#context, "notify", [this.#context.channel, payloads]);
    // A hint that is lost costs followers the time to their next check.
    // Without its results, which would hold those before them for ever.
    this.#told = Promise.allSettled([this.#told, telling]).then(() => undefined);
  }

  #succeeded(): void {
    this.#isFlushing = false;
    this.#outage = undefined;
    this.#next();
  }

  #failed(error: unknown): void {
    const { clock } = this.#context;
    const now = clock.now();
    this.#isFlushing = false;
    if (!this.#outage) this.#report(error);
    this.#outage ??= { since: now, count: 0 };
    if (this.#closed) return this.#closed.resolve();
    if (now - this.#outage.since >= MAX_OUTAGE_MS) this.#giveUp(error);
    if (this.#claims.size === 0) this.#outage = undefined;
    else this.#cancelTimer = clock.after(backoffMs(this.#outage.count++, RETRY), () => this.#flush());
  }

  /** Streams whose text has waited for `MAX_OUTAGE_MS` are left as they are in the database: failed, once their lease lapses. */
  #giveUp(error: unknown): void {
    for (const claim of this.#claims.values()) {
      if (claim.dueAt === undefined) continue;
      this.#drop(claim);
      const message = `Gave up writing a stream that Postgres took nothing of for ${MAX_OUTAGE_MS} ms. What it has is kept; readers of this process get the rest.`;
      this.#report(new ResumableStreamError("TRANSPORT_UNAVAILABLE", message, { cause: error }));
    }
  }

  /** Finds when the next flush is due, after one. */
  #next(): void {
    for (const { dueAt, notBefore, renewedAt } of this.#claims.values()) {
      const renewalAt = renewedAt + this.#heartbeatMs;
      this.#dueBy(Math.max(Math.min(renewalAt, dueAt ?? renewalAt), notBefore ?? renewedAt));
    }
  }

  #fence(claim: PostgresClaim): void {
    this.#drop(claim);
    if (claim.isHandingOver) this.#handovers.disown(claim.key, claim.epoch);
    claim.producer.fenced();
  }

  #drop(claim: PostgresClaim): void {
    if (this.#claims.get(claim.key) === claim) this.#claims.delete(claim.key);
    claim.close();
    if (this.#claims.size > 0) return;
    this.#closed?.resolve();
    this.#onEmpty();
  }

  #report(error: unknown): void {
    const message = `Writing to Postgres failed: ${reasonOf(error)}. Readers of this process aren't affected.`;
    this.#context.onError(asResumableStreamError(error, "TRANSPORT_UNAVAILABLE", message));
  }
}

function toColumns(end: EndKind | undefined): { ended?: string; error?: string } {
  switch (end) {
    case undefined:
      return {};
    case "done":
    case "stopped":
      return { ended: end };
    case "failed":
      return { ended: "failed", error: "SOURCE_FAILED" };
    case "lost":
      return { ended: "failed", error: "PRODUCER_LOST" };
  }
}
