// Streams that are written together: one write in flight, all that gathers meanwhile in the next. A store whose streams travel
// apart has a lane for each; a database has one for all of a process, whose statements each carry what all of them have.

import { asResumableStreamError, ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import type { Cancel } from "../../lib/clock.ts";
import type { EndKind } from "../../port/transport.ts";
import type { LogClaim, Portion } from "./claim.ts";
import { MAX_OUTAGE_MS } from "./outages.ts";
import type { LogParts } from "./parts.ts";
import type { Append, AppendAnswer } from "./store.ts";

const RETRY = { firstMs: 50, maxMs: 1_000 };
/** When this number of streams is refused, each by itself, and no text was taken, it is no trouble of one stream. */
const MAX_REFUSED = 4;
/** How long text waits for a store whose owner has closed the connection: some open it anew at once. */
const MAX_CLOSED_MS = 1_000;

export interface LaneOptions {
  parts: LogParts;
  /** How often a lease is extended. */
  heartbeatMs: number;
  /** Nothing may be left to wait for: the context closes. */
  isClosing: () => boolean;
  /** The record names another claim. */
  onFenced: (claim: LogClaim) => void;
  /** The store refuses what it says, and takes what others do: it waits apart from them. */
  onRefused: (claim: LogClaim) => void;
  /** The store has its end. */
  onEnded: (claim: LogClaim, end: EndKind) => void;
  /** Nothing more is written under it. */
  onOver: (claim: LogClaim) => void;
}

type Portions = readonly (readonly [LogClaim, Portion])[];

export class Lane {
  readonly #options: LaneOptions;
  readonly #parts: LogParts;
  readonly #claims = new Set<LogClaim>();
  /** When the next flush is due; absent while none is. */
  #dueAt: number | undefined;
  #cancelTimer: Cancel = () => {};
  #isFlushing = false;
  /** When the last write began. Streams that are followed share its tick. */
  #flushedAt = -Infinity;
  /** Since when writes fail, and how many did; absent while they don't. */
  #outage: { since: number; count: number } | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#parts = options.parts;
  }

  add(claim: LogClaim): void {
    this.#claims.add(claim);
    this.#dueBy(this.#parts.clock.now() + this.#options.heartbeatMs);
  }

  delete(claim: LogClaim): void {
    this.#claims.delete(claim);
    if (this.#claims.size > 0) return;
    this.#cancelFlush();
    this.#outage = undefined;
  }

  pending(claim: LogClaim, why: "text" | "asked" = "text"): void {
    const now = this.#parts.clock.now();
    const isUrgent = why === "asked" || claim.isEnding || this.#options.isClosing();
    const dueAt = isUrgent ? now : this.#gathersUntil(claim, now);
    claim.dueAt = Math.min(claim.dueAt ?? Infinity, dueAt);
    this.#dueBy(claim.dueAt);
  }

  /** Writes all that waits now: also what failed before, whenever it would be tried again. */
  hurry(): void {
    if (this.#outage) this.#flush();
    else this.#dueBy(this.#parts.clock.now());
  }

  #gathersUntil({ isWatched }: LogClaim, now: number): number {
    const { flushIntervalMs, followedFlushIntervalMs } = this.#parts.settings;
    return isWatched ? Math.max(now, this.#flushedAt + followedFlushIntervalMs) : now + flushIntervalMs;
  }

  #cancelFlush(): void {
    this.#dueAt = undefined;
    this.#cancelTimer();
  }

  /** Has a flush happen by then: in this turn's end if that is now. */
  #dueBy(dueAt: number): void {
    if (this.#isFlushing || this.#outage) return;
    if (this.#dueAt !== undefined && dueAt >= this.#dueAt) return;
    const { clock } = this.#parts;
    this.#dueAt = dueAt;
    this.#cancelTimer();
    const delayMs = dueAt - clock.now();
    if (delayMs > 0) this.#cancelTimer = clock.after(delayMs, () => this.#flush());
    // Text that is appended later in this turn goes along.
    else queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#cancelFlush();
    if (this.#isFlushing) return;
    const portions = this.#collect();
    if (portions.size === 0) {
      // The streams whose write failed are gone: nothing is left to be tried again. A later stream has the full `MAX_OUTAGE_MS`.
      this.#outage = undefined;
      return this.#next();
    }
    this.#isFlushing = true;
    this.#flushedAt = this.#parts.clock.now();
    background(
      this.#writeParted([...portions]).then(
        () => this.#succeeded(),
        (error: unknown) => this.#failed(error),
      ),
      (error) => this.#report(error),
    );
  }

  /** The portions to be written now. */
  #collect(): Map<LogClaim, Portion> {
    const now = this.#parts.clock.now();
    const portions = new Map<LogClaim, Portion>();
    let units = this.#parts.store.maxAppendUnits;
    for (const claim of this.#claims) {
      if (claim.notBefore !== undefined && now < claim.notBefore) continue;
      // All that waits goes along, so that streams have one tick and not a phase each.
      const isPending = claim.dueAt !== undefined;
      // Renewed a little early rather than in a write of its own.
      const isRenewal = now - claim.renewedAt >= this.#options.heartbeatMs * 0.8;
      if (!isPending && !isRenewal) continue;
      // If the write is full already, the lease is extended and the text waits.
      const portion = claim.portion(units);
      units -= portion.pieces.reduce((sum, { text }) => sum + text.length, 0);
      portions.set(claim, portion);
    }
    return portions;
  }

  /** A store that refuses what one stream says refuses the whole write: that stream is found by halves. */
  async #writeParted(all: Portions): Promise<void> {
    const refused: LogClaim[] = [];
    let isAnyTaken = false;
    const parts = [all];
    for (let part; (part = parts.pop());) {
      try {
        if (await this.#write(part)) isAnyTaken = true;
      } catch (error) {
        if (this.#parts.store.isRefusal?.(error) !== true) throw error;
        const half = part.length >> 1;
        if (half > 0) parts.push(part.slice(half), part.slice(0, half));
        else for (const [claim] of part) refused.push(claim);
        if (!isAnyTaken && (parts.length === 0 || refused.length >= MAX_REFUSED)) {
          // The next time begins with the others.
          for (const claim of refused) this.#toBack(claim);
          throw error;
        }
      }
    }
    for (const claim of refused) this.#options.onRefused(claim);
  }

  /** Whether text of any stream was taken: a lease says nothing of that, nor a record that is locked. */
  async #write(portions: Portions): Promise<boolean> {
    const { clock, store } = this.#parts;
    const startedAt = clock.now();
    const appends: Append[] = [];
    for (const [{ key, claimed, owed }, portion] of portions) {
      appends.push({ key, claimed, ...portion, owed });
    }
    const answers = await store.append(appends);
    let n = 0;
    let isAnyTaken = false;
    for (const [claim, portion] of portions) {
      const answer = answers[n++] ?? { status: "fenced" };
      if (answer.status === "written" && portion.pieces.length > 0) isAnyTaken = true;
      this.#answered(claim, { portion, answer, startedAt });
    }
    return isAnyTaken;
  }

  #answered(
    claim: LogClaim,
    { portion, answer, startedAt }: { portion: Portion; answer: AppendAnswer; startedAt: number },
  ): void {
    const { clock } = this.#parts;
    switch (answer.status) {
      case "fenced":
        return this.#options.onFenced(claim);
      case "busy":
        return claim.busy(clock.now());
      case "at":
        return claim.moveTo(answer.tail, clock.now());
      case "written": {
        claim.renewedAt = startedAt;
        claim.isWatched = answer.isWatched;
        const isComplete = claim.wrote(portion);
        if (portion.end !== undefined) return this.#options.onEnded(claim, portion.end);
        if (answer.stop) claim.producer.stop(answer.stop.reason);
        if (isComplete) return;
        // The rest of a text that was too long for one write: after the texts that this one left no room for.
        claim.dueAt = clock.now();
        if (portion.pieces.length > 0) this.#toBack(claim);
      }
    }
  }

  #toBack(claim: LogClaim): void {
    if (this.#claims.delete(claim)) this.#claims.add(claim);
  }

  #succeeded(): void {
    this.#isFlushing = false;
    this.#outage = undefined;
    this.#next();
  }

  #failed(error: unknown): void {
    const { clock } = this.#parts;
    const now = clock.now();
    this.#isFlushing = false;
    if (!this.#outage && this.#parts.store.outages.isNews(codeOf(error))) this.#report(error);
    this.#outage ??= { since: now, count: 0 };
    const awayMs = now - this.#outage.since;
    const isOver = this.#parts.store.isClosed && awayMs >= MAX_CLOSED_MS;
    if (isOver || this.#options.isClosing()) return this.#leave();
    if (awayMs >= MAX_OUTAGE_MS) this.#giveUp(error);
    if (this.#claims.size === 0) this.#outage = undefined;
    else this.#cancelTimer = clock.after(backoffMs(this.#outage.count++, RETRY), () => this.#flush());
  }

  #leave(): void {
    for (const claim of this.#claims) this.#options.onOver(claim);
  }

  /** Streams whose text has waited for `MAX_OUTAGE_MS` are left as they are in the store: failed, once their lease lapses. */
  #giveUp(error: unknown): void {
    for (const claim of this.#claims) {
      if (claim.dueAt === undefined) continue;
      this.#options.onOver(claim);
      const message = `Gave up writing a stream that ${this.#parts.store.name} took nothing of for ${MAX_OUTAGE_MS} ms. What it has is kept; readers of this process get the rest.`;
      this.#report(new ResumableStreamError("TRANSPORT_UNAVAILABLE", message, { cause: error }));
    }
  }

  /** Finds when the next flush is due, after one. */
  #next(): void {
    for (const { dueAt, notBefore, renewedAt } of this.#claims) {
      const renewalAt = renewedAt + this.#options.heartbeatMs;
      this.#dueBy(Math.max(Math.min(renewalAt, dueAt ?? renewalAt), notBefore ?? renewedAt));
    }
  }

  #report(error: unknown): void {
    const { store, onError } = this.#parts;
    const message = `Writing to ${store.name} failed: ${store.reasonOf(error)}. Readers of this process aren't affected.`;
    onError(asResumableStreamError(error, "TRANSPORT_UNAVAILABLE", message));
  }
}

function codeOf(error: unknown): string {
  return error instanceof ResumableStreamError ? error.code : "unknown";
}
