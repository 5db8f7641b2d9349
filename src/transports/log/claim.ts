// One stream's place in what is written: what it has to write, and who waits for it.

import { backoffMs } from "../../lib/backoff.ts";
import { createDeferred, type Deferred } from "../../lib/deferred.ts";
import type { Claim, EndKind, ProducerPort, Slice } from "../../port/transport.ts";
import { firstOf, stopOf, toPieces } from "./pieces.ts";
import type { Claimed, Piece } from "./store.ts";

/** How soon a record that somebody has locked is tried again: transactions take milliseconds, and some forget theirs. */
const LOCKED = { firstMs: 20, maxMs: 500 };

export interface LogClaimOptions {
  key: string;
  /** The stream's name in messages. */
  hint: string;
  claimed: Claimed;
  producer: ProducerPort;
  isHandedOver: () => Promise<boolean>;
  /** There is something to write. */
  onPending: (claim: LogClaim) => void;
}

/** Text on its way: taken from the producer once, and repeated unchanged until the store has it. */
interface Taken {
  pieces: Piece[];
  tail: number;
  end: EndKind | undefined;
}

/** The part of a stream that one write carries. */
export interface Portion {
  pieces: readonly Piece[];
  /** The tail before. */
  from: number;
  /** The tail once these are written. */
  tail: number;
  /** Only with the last text. */
  end: EndKind | undefined;
}

export class LogClaim implements Claim {
  readonly epoch: number;
  readonly key: string;
  readonly hint: string;
  readonly claimed: Claimed;
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
  /** When its record may be tried again; absent unless somebody had it locked. */
  notBefore: number | undefined;
  /** The end is known, and goes out with the last text. */
  isEnding = false;
  /** When the store first had its end; absent until then. */
  endedAt: number | undefined;

  readonly #onPending: (claim: LogClaim) => void;
  /** Tail of what is written. */
  #tail = 0;
  /** Written once, and lost by the server since. */
  #lost: Piece[] = [];
  /** How often in a row its record was found locked. */
  #locks = 0;
  /** The append or finish in flight; absent if there is none. */
  #call: { take: () => Slice; resolve: () => void } | undefined;
  /** Absent until the call's text is taken. */
  #taken: Taken | undefined;
  /** Whether the app has taken its text; absent until it was asked. */
  #isTaken: boolean | undefined;
  /** Absent unless somebody waits for that. */
  #taking: Deferred<boolean> | undefined;
  /** Fenced, given up or ended: nothing is written any more. */
  #isClosed = false;

  constructor({ key, hint, claimed, producer, isHandedOver, onPending }: LogClaimOptions, now: number) {
    this.key = key;
    this.hint = hint;
    this.claimed = claimed;
    this.epoch = claimed.epoch;
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
    this.#isTaken = isTaken;
    this.#taking?.resolve(isTaken);
  }

  /** Settles with whether the app has taken its text, once it was asked. */
  async untilTaken(): Promise<boolean> {
    if (this.#isTaken !== undefined) return this.#isTaken;
    this.#taking ??= createDeferred<boolean>();
    return this.#taking.promise;
  }

  ending(): void {
    this.isEnding = true;
    if (this.#call) this.#onPending(this);
  }

  finish(take: () => Slice): Promise<void> {
    this.isEnding = true;
    return this.#begin(take);
  }

  /** Writes its end once more, and what is missing before it: the store may have lost what it had acknowledged. */
  endAgain(end: EndKind): void {
    const tail = this.#tail;
    this.#isClosed = false;
    this.#call = { take: () => ({ from: tail, text: "", tail, end }), resolve: () => undefined };
    this.#onPending(this);
  }

  /** The part that the next write carries, about `maxUnits` at most; takes the producer's text if none is held. */
  portion(maxUnits: number): Portion {
    const from = this.#tail;
    if (this.#lost.length > 0) return portionOf(this.#lost, { from, maxUnits });
    if (!this.#call) return { pieces: [], from, tail: from, end: undefined };
    this.#taken ??= toTaken(this.#call.take());
    const { pieces, tail, end } = this.#taken;
    const portion = portionOf(pieces, { from, maxUnits });
    return portion.pieces.length === pieces.length ? { ...portion, tail, end } : portion;
  }

  /**
   * The store is elsewhere than we thought. Behind: it has lost what it had acknowledged, which is in this process's memory
   * still, and goes first. Ahead: it has what we sent, and its answer was lost.
   */
  moveTo(has: number, now: number): void {
    const last = this.#lost.at(-1);
    const until = last ? stopOf(last) : this.#tail;
    this.#lost = has < until ? this.#readAgain(has, until) : [];
    if (this.#taken) this.#taken.pieces = beyond(has, this.#taken.pieces);
    this.#tail = has;
    this.dueAt = now;
  }

  /** The store has it. True if nothing more of the call is left. */
  wrote({ pieces, tail }: Portion): boolean {
    this.#tail = tail;
    this.#locks = 0;
    this.notBefore = undefined;
    if (this.#lost.length > 0) {
      this.#lost = this.#lost.slice(pieces.length);
      return false;
    }
    if (!this.#call) this.dueAt = undefined;
    if (!this.#taken) return true;
    this.#taken.pieces = this.#taken.pieces.slice(pieces.length);
    if (this.#taken.pieces.length > 0) return false;
    this.#settle();
    return true;
  }

  /** Somebody has its record locked. */
  busy(now: number): void {
    this.notBefore = now + backoffMs(this.#locks++, LOCKED);
    this.dueAt ??= now;
  }

  /** Nothing more is written: calls in flight and later ones settle without it. */
  close(): void {
    this.#isClosed = true;
    this.#settle();
  }

  #readAgain(from: number, until: number): Piece[] {
    const pieces: Piece[] = [];
    for (let at = from; at < until;) {
      const slice = this.producer.read(at, until - at);
      const text = slice.text.slice(at - slice.from, until - slice.from);
      if (text === "") break;
      pieces.push(...toPieces(at, text));
      at += text.length;
    }
    return pieces;
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

function portionOf(
  pieces: readonly Piece[],
  { from, maxUnits }: { from: number; maxUnits: number },
): Portion {
  const first = firstOf(pieces, maxUnits);
  const last = first.at(-1);
  return { pieces: first, from, tail: last ? stopOf(last) : from, end: undefined };
}

/** The pieces, and parts of pieces, that lie beyond an offset. */
function beyond(offset: number, pieces: readonly Piece[]): Piece[] {
  return pieces
    .filter((piece) => stopOf(piece) > offset)
    .map(({ from, text }) =>
      from < offset ? { from: offset, text: text.slice(offset - from) } : { from, text },
    );
}

function toTaken({ from, text, tail, end }: Slice): Taken {
  return { pieces: toPieces(from, text), tail, end };
}
