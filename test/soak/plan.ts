// What happens in a soak, drawn from its seed: each stream's life by its number, and the faults in their order.

import { Dice } from "../../src/testing/dice.ts";
import type { SourceSpec } from "../support/source.ts";

/** One process is never killed, so that what it gathers over the whole run shows. */
export const ELDER = 0;

export interface Scale {
  /** How many places for processes there are. */
  slots: number;
  /** The longest time from a source's first chunk to its end. */
  longestMs: number;
}

/** A reader's way through a stream. Times are milliseconds after the stream's start. */
export interface ReaderPlan {
  at: number;
  slot: number;
  /** `join` produces if nobody does. */
  call: "follow" | "join";
  /** Part of the planned text that it skips. */
  skips: number;
  /** When its connection drops, after it began; absent if it reads on. */
  dropsAfterMs?: number;
  /** Whether it comes back once it has dropped. */
  isBack: boolean;
  /** Whether it comes back with the mark of the generation that it read. */
  isMarked: boolean;
  /** Where it comes back, each time. */
  nextSlots: readonly number[];
  /** What it produces if nobody does; each of its calls has another label. */
  source: SourcePlan;
}

/** A source, but for its label, which is the name of the call that brings it. */
export type SourcePlan = Omit<SourceSpec, "label" | "chunks"> & { chunks: number };

export interface StreamPlan {
  streamId: string;
  source: SourcePlan;
  slot: number;
  readers: readonly ReaderPlan[];
  /** Absent if nobody stops it. */
  stop?: { at: number; slot: number };
  /** A second text of the same id, asked for while the first runs; absent mostly. */
  supersede?: { at: number; slot: number; source: SourcePlan };
  /** Asks once all is over. */
  probeSlot: number;
}

export type Fault =
  | { kind: "kill"; slot: number }
  | { kind: "freeze"; slot: number; forMs: number }
  | { kind: "cut"; slot: number }
  | { kind: "silence"; slot: number; forMs: number }
  | { kind: "kill server"; downMs: number };

export function planStream(seed: number, number: number, scale: Scale): StreamPlan {
  const dice = new Dice(seed, number);
  const streamId = `s${number}`;
  const slot = (): number => dice.integer(0, scale.slots - 1);
  const source = planSource(dice, scale);
  const lengthMs = durationMs(source);
  return {
    streamId,
    source,
    slot: slot(),
    readers: Array.from({ length: dice.integer(0, 3) }, () => planReader(dice, { slot, lengthMs, scale })),
    ...(dice.chance(0.12) && { stop: { at: dice.between(0, lengthMs), slot: slot() } }),
    ...(dice.chance(0.06) && {
      supersede: {
        at: dice.between(0, lengthMs),
        slot: slot(),
        source: planSource(dice, scale),
      },
    }),
    probeSlot: slot(),
  };
}

function planSource(dice: Dice, { longestMs }: Scale): SourcePlan {
  const everyMs = dice.integer(50, 300);
  // As answers are: mostly short, a few long.
  const lengthMs = longestMs * dice.between(0.05, 1) * dice.between(0.3, 1);
  return {
    chunks: Math.max(1, Math.round(lengthMs / everyMs)),
    everyMs,
    chunkLength: dice.integer(12, 60),
    end: dice.chance(0.08) ? "error" : "close",
  };
}

function durationMs({ chunks, everyMs }: SourcePlan): number {
  return chunks * everyMs;
}

interface ReaderScope {
  slot: () => number;
  lengthMs: number;
  scale: Scale;
}

function planReader(dice: Dice, { slot, lengthMs, scale }: ReaderScope): ReaderPlan {
  const at = dice.between(0, lengthMs * 1.05);
  return {
    at,
    slot: slot(),
    call: dice.chance(0.3) ? "join" : "follow",
    skips: dice.chance(0.5) ? 0 : dice.between(0, Math.min(1, at / lengthMs)),
    ...(dice.chance(0.4) && { dropsAfterMs: dice.between(0, lengthMs) }),
    isBack: dice.chance(0.75),
    isMarked: dice.chance(0.5),
    nextSlots: [slot(), slot(), slot()],
    // Shorter, so that a stream that is taken over again and again comes to its end.
    source: planSource(dice, { ...scale, longestMs: scale.longestMs / 4 }),
  };
}

/**
 * A storm: each kind of fault, in random order, with the time before each. The elder is frozen and cut off like any other, and never
 * killed.
 */
export function planStorm(dice: Dice, { slots }: Scale): { afterMs: number; fault: Fault }[] {
  const slot = (): number => dice.integer(0, slots - 1);
  const mortal = (): number => dice.integer(ELDER + 1, slots - 1);
  const faults: Fault[] = [
    { kind: "kill", slot: mortal() },
    { kind: "kill", slot: mortal() },
    { kind: "freeze", slot: slot(), forMs: dice.between(300, 5_000) },
    { kind: "cut", slot: slot() },
    { kind: "silence", slot: slot(), forMs: dice.between(300, 7_000) },
    { kind: "kill server", downMs: dice.chance(0.5) ? 0 : dice.between(0, 4_000) },
    // Now and then longer than a lease.
    dice.chance(0.3)
      ? { kind: "freeze", slot: slot(), forMs: dice.between(8_000, 14_000) }
      : { kind: "cut", slot: slot() },
  ];
  const order = new Map(faults.map((fault) => [fault, dice.fraction()]));
  return faults
    .toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0))
    .map((fault) => ({ afterMs: dice.between(500, 4_000), fault }));
}
