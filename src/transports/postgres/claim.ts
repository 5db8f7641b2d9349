// One stream's place in the group commit: what it has to write, and who waits for it.

import { backoffMs } from "../../lib/backoff.ts";
import type { Claim, EndKind, ProducerPort, Slice } from "../../port/transport.ts";
import { type Entry, toEntries } from "./entries.ts";

/** How soon a row that somebody has locked is tried again: transactions take milliseconds, and some forget theirs. */
const LOCKED = { firstMs: 20, maxMs: 500 };

export interface ClaimPorts {
  key: string;
  /** The stream's name in notifications. */
  hint: string;
  epoch: number;
  producer: ProducerPort;
  isHandedOver: () => Promise<boolean>;
  /** There is something to write. */
  onPending: (claim: PostgresClaim) => void;
}

/** Text on its way: taken from the producer once, and repeated unchanged until the database has it. */
interface Taken {
  entries: Entry[];
  /** How many of the entries are written. */
  written: number;
  tail: number;
  end: EndKind | undefined;
}

/** What one statement carries of a stream. */
export interface Portion {
  entries: readonly Entry[];
  /** The tail before. */
  from: number;
  /** The tail once these are written. */
  tail: number;
  /** Only with the last text. */
  end: EndKind | undefined;
}

export class PostgresClaim implements Claim {
  readonly epoch: number;
  readonly key: string;
  readonly hint: string;
  readonly producer: ProducerPort;
  /** Whether another has given the app what is here, once this claim was superseded. */
  readonly isHandedOver: () => Promise<boolean>;
  /** How often the app may still be given a text that it failed to take; null if it has it, or doesn't want it. */
  owed: number | null = null;
  /** The app is given its text by this process, or was. */
  isHandingOver = false;
  /** Followers wait: text is written at once, and told of. */
  isWatched = false;
  /** When the lease was last extended. */
  renewedAt: number;
  /** By when what waits is to be written; absent while nothing waits. */
  dueAt: number | undefined;
  /** When its row may be tried again; absent unless somebody had it locked. */
  notBefore: number | undefined;
  /** The end is known, and goes out with the last text. */
  isEnding = false;

  readonly #onPending: (claim: PostgresClaim) => void;
  /** Tail of what is written. */
  #tail = 0;
  /** Written once, and lost by the server since. */
  #lost: Entry[] = [];
  /** How often in a row its row was found locked. */
  #locks = 0;
  /** The append or finish in flight; absent if there is none. */
  #call: { take: () => Slice; resolve: () => void } | undefined;
  /** Absent until the call's text is taken. */
  #taken: Taken | undefined;
  /** Fenced, given up or ended: nothing is written any more. */
  #isClosed = false;

  constructor({ key, hint, epoch, producer, isHandedOver, onPending }: ClaimPorts, now: number) {
    this.key = key;
    this.hint = hint;
    this.epoch = epoch;
    this.producer = producer;
    this.isHandedOver = isHandedOver;
    this.renewedAt = now;
    this.#onPending = onPending;
  }

  append(take: () => Slice): Promise<void> {
    return this.#begin(take);
  }

  handingOver(): void {
    this.isHandingOver = true;
  }

  handedOver(isTaken: boolean): void {
    this.owed = isTaken ? null : 1;
  }

  ending(): void {
    this.isEnding = true;
    if (this.#call) this.#onPending(this);
  }

  finish(take: () => Slice): Promise<void> {
    this.isEnding = true;
    return this.#begin(take);
  }

  /** The part that the next statement writes, about `maxUnits` at most; takes the producer's text if none is held. */
  portion(maxUnits: number): Portion {
    const from = this.#tail;
    if (this.#lost.length > 0) {
      const entries = firstOf(this.#lost, maxUnits);
      return { entries, from, tail: entries.at(-1)?.stop ?? from, end: undefined };
    }
    if (!this.#call) return { entries: [], from, tail: from, end: undefined };
    this.#taken ??= toTaken(this.#call.take());
    const { entries, written, tail, end } = this.#taken;
    const portion = firstOf(entries.slice(written), maxUnits);
    const isLast = written + portion.length === entries.length;
    return {
      entries: portion,
      from,
      tail: isLast ? tail : (portion.at(-1)?.stop ?? from),
      end: isLast ? end : undefined,
    };
  }

  /** The server has lost what lies beyond, acknowledged or not: it is in this process's memory still, and goes first. */
  rewind(has: number, now: number): void {
    const until = this.#lost.at(-1)?.stop ?? this.#tail;
    const lost: Entry[] = [];
    for (let at = has; at < until;) {
      const { from, text } = this.producer.read(at, until - at);
      const piece = text.slice(at - from, until - from);
      if (piece === "") break;
      lost.push(...toEntries(at, piece));
      at += piece.length;
    }
    this.#lost = lost;
    this.#tail = has;
    this.dueAt = now;
  }

  /** The database has it. True if nothing more of the call is left. */
  wrote({ entries, tail }: Portion): boolean {
    this.#tail = tail;
    this.#locks = 0;
    this.notBefore = undefined;
    if (this.#lost.length > 0) {
      this.#lost = this.#lost.slice(entries.length);
      return false;
    }
    if (!this.#call) this.dueAt = undefined;
    if (!this.#taken) return true;
    this.#taken.written += entries.length;
    if (this.#taken.written < this.#taken.entries.length) return false;
    this.#settle();
    return true;
  }

  /** Somebody has its row locked. */
  busy(now: number): void {
    this.notBefore = now + backoffMs(this.#locks++, LOCKED);
    this.dueAt ??= now;
  }

  /** Nothing more is written: calls in flight and later ones settle without it. */
  close(): void {
    this.#isClosed = true;
    this.#settle();
  }

  #begin(take: () => Slice): Promise<void> {
    if (this.#isClosed) {
      take();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#call = { take, resolve };
      this.#onPending(this);
    });
  }

  #settle(): void {
    const call = this.#call;
    this.#call = undefined;
    this.#taken = undefined;
    this.dueAt = undefined;
    call?.resolve();
  }
}

/** The first entries that carry about `maxUnits` together; none if nothing is left to carry. */
function firstOf(entries: readonly Entry[], maxUnits: number): Entry[] {
  let units = 0;
  let count = 0;
  for (; count < entries.length && units < maxUnits; count++) units += entries[count]?.chunk.length ?? 0;
  return entries.slice(0, count);
}

function toTaken({ from, text, tail, end }: Slice): Taken {
  return { entries: toEntries(from, text), written: 0, tail, end };
}
