// A chat is loaded and saved whole: two at the same time would write over each other.

import { sleep, systemClock } from "../lib/clock.ts";
import { Latch } from "../lib/latch.ts";

/** An app whose `load` or `save` hangs holds its chat no longer than this. */
const LONGEST_TURN_MS = 30_000;

/** Things done with a chat by this process, one after the other. */
export class ChatTurns {
  readonly #last = new Map<string, { turn: Promise<unknown>; beganAt: number }>();

  /** Acts once what was begun before has settled, or has had its time. */
  async take<T>(chatId: string, act: () => Promise<T>): Promise<T> {
    const turn = this.settled(chatId, LONGEST_TURN_MS).then(act);
    const last = { turn, beganAt: systemClock.now() };
    this.#last.set(chatId, last);
    try {
      return await turn;
    } finally {
      if (this.#last.get(chatId) === last) this.#last.delete(chatId);
    }
  }

  /** Whether something was begun that hasn't settled, and hasn't had its time. */
  isTaken(chatId: string): boolean {
    return this.#leftMs(chatId) > 0;
  }

  /** Whether nothing is taken any more by the time that `withinMs` are over. */
  async settled(chatId: string, withinMs: number): Promise<boolean> {
    const leftMs = this.#leftMs(chatId);
    const turn = this.#last.get(chatId)?.turn ?? Promise.resolve();
    return leftMs <= 0 || (await within(turn, Math.min(withinMs, leftMs))) || leftMs <= withinMs;
  }

  #leftMs(chatId: string): number {
    const last = this.#last.get(chatId);
    return last ? last.beganAt + LONGEST_TURN_MS - systemClock.now() : 0;
  }
}

/** Whether a promise settles, in whatever way, within that time. */
async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const isSettled = new Latch();
  const settled = promise.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([settled, sleep(systemClock, ms, isSettled).then(() => false)]);
  isSettled.set();
  return inTime;
}
