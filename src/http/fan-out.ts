// One reader of a text for all bodies in this process that are at its tail: the text is framed and encoded once, and written to
// each of them. A body that lags goes on alone, and joins again once it has caught up.

import type { DirectText } from "../engine/ends.ts";
import type { Cancel, Clock } from "../lib/clock.ts";
import type { Encoding } from "./encoding.ts";
import { MAX_READ_UNITS } from "./pages.ts";

/** A body that has made all of the text there is. */
export interface Member {
  readonly encoding: Encoding;
  /** Of the text that it has made. */
  readonly offset: number;
  readonly heartbeatMs: number;
  readonly clock: Clock;
  /** False if it takes no more for now, or is over. Never throws. */
  write: (bytes: Uint8Array) => boolean;
  /** Leaves, and goes on alone from the place of the fan-out. */
  goOn: () => void;
  /** Leaves: the text can't be framed. */
  break: (error: unknown) => void;
}

/** By text: of this copy of the module alone, as what the classes of another hold can't be compared. */
const fanOuts = new WeakMap<DirectText, Set<FanOut>>();

/** The fan-out that `member` has joined; undefined if there is one, and it is in the middle of an event of which it has made less or more. */
export function join(text: DirectText, member: Member): FanOut | undefined {
  const all = fanOuts.get(text) ?? new Set();
  fanOuts.set(text, all);
  let isAlone = true;
  for (const fanOut of all) {
    if (!fanOut.isFor(member)) continue;
    if (fanOut.join(member)) return fanOut;
    isAlone &&= fanOut.isOver;
  }
  return isAlone ? new FanOut({ text, member, all }) : undefined;
}

export class FanOut {
  readonly #text: DirectText;
  readonly #all: Set<FanOut>;
  readonly encoding: Encoding;
  readonly #heartbeatMs: number;
  readonly #clock: Clock;
  readonly #members = new Set<Member>();
  /** Of the text that its members have made. */
  #offset: number;
  /** Once those who announce the text are done with it: nothing that a body's server does can hold them up, or fail them. */
  readonly #onMoved = (): void => queueMicrotask(() => this.advance());
  #cancelHeartbeat: Cancel = () => {};

  constructor({ text, member, all }: { text: DirectText; member: Member; all: Set<FanOut> }) {
    this.#text = text;
    this.#all = all;
    this.encoding = member.encoding.copy();
    this.#heartbeatMs = member.heartbeatMs;
    this.#clock = member.clock;
    this.#offset = member.offset;
    all.add(this);
    this.#add(member);
    this.#wait();
  }

  get offset(): number {
    return this.#offset;
  }

  /** It has no members, and gets none any more. */
  get isOver(): boolean {
    return this.#members.size === 0;
  }

  isFor({ encoding, heartbeatMs, clock }: Member): boolean {
    const isSameBeat = heartbeatMs === this.#heartbeatMs && clock === this.#clock;
    return isSameBeat && encoding.format === this.encoding.format;
  }

  join(member: Member): boolean {
    // Woken later than this member by the same text.
    this.advance();
    const isHere = this.#offset === member.offset && member.encoding.isWhere(this.encoding);
    if (this.isOver || !isHere) return false;
    this.#add(member);
    return true;
  }

  leave(member: Member): void {
    this.#members.delete(member);
    if (!this.isOver) return;
    this.#rest();
    this.#all.delete(this);
  }

  /** Writes what there is to all members. Each that is full leaves, and so do all at the end. */
  advance(): void {
    while (!this.isOver) {
      const { text } = this.#text.read(this.#offset, MAX_READ_UNITS);
      if (text === "") return this.#text.end === undefined ? this.#wait() : this.#release();
      this.#offset += text.length;
      try {
        this.#write(this.encoding.push(text));
      } catch (error) {
        for (const member of this.#members) member.break(error);
      }
    }
  }

  #add(member: Member): void {
    member.encoding.release();
    this.#members.add(member);
  }

  #write(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    for (const member of this.#members) if (!member.write(bytes)) member.goOn();
  }

  #release(): void {
    for (const member of this.#members) member.goOn();
  }

  #wait(): void {
    this.#rest();
    this.#text.onceMoved(this.#onMoved);
    this.#cancelHeartbeat = this.#clock.after(this.#heartbeatMs, () => {
      this.#write(this.encoding.heartbeat());
      if (!this.isOver) this.#wait();
    });
  }

  #rest(): void {
    this.#text.forget(this.#onMoved);
    this.#cancelHeartbeat();
  }
}
