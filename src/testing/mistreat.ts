// Bad delivery: what is sent gets lost, comes twice, late, and therefore in another order.

import { systemClock } from "../lib/clock.ts";
import type { Dice } from "./dice.ts";

/** Shares from 0 to 1. A relay proves its channels by messages to itself, so not all may be lost. */
export interface Mistreatment {
  lost: number;
  doubled: number;
  late: number;
  /** How late a late one is, at most. */
  maxDelayMs: number;
}

/** So that a request and its answer get through in a few attempts. */
export const BADLY: Mistreatment = { lost: 0.1, doubled: 0.2, late: 0.3, maxDelayMs: 50 };

/** Delivers badly. On the receiver's side, so that each of several receivers loses something else. */
export function mistreating<T>(
  deliver: (value: T) => void,
  { dice, lost, doubled, late, maxDelayMs }: Mistreatment & { dice: Dice },
): (value: T) => void {
  const once = (value: T): void => {
    if (!dice.chance(late)) return deliver(value);
    systemClock.after(dice.fraction() * maxDelayMs, () => deliver(value));
  };
  return (value) => {
    if (dice.chance(lost)) return;
    once(value);
    if (dice.chance(doubled)) once(value);
  };
}
