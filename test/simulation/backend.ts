// What a simulated process is connected to: a pub/sub server, or a database.

import type { CheckedOptions } from "../../src/api/options.ts";
import type { Transport } from "../../src/port/transport.ts";
import type { Machine } from "./machine.ts";
import type { Participant, Plant } from "./participant.ts";
import type { Kept } from "./rows.ts";
import type { Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** A process's way to it. */
export interface Connected {
  readonly publisher: Wire;
  readonly subscriber: Wire;
  /** How long its followers hear nothing, at least, before they read. @defaultValue 0 */
  readonly silenceMs?: number;
  createTransport(owner: Participant, options: CheckedOptions): Transport;
}

export interface BackendOptions {
  world: World;
  plant: Plant;
}

export interface Backend {
  /** Whether it keeps text itself: a database does. */
  readonly keepsText: boolean;
  /** Every claim it granted, in the order in which it did. */
  readonly claims: ReadonlyArray<{ key: string; epoch: number }>;
  /** By when all have lapsed whose producers died. */
  readonly leaseMs: number;
  /** Subscriptions that nobody gave back. */
  readonly left: readonly string[];
  keyOf(streamId: string): string;
  /** What readers of a failed stream were told of its text; absent where none was, or none is kept. */
  kept(streamId: string, epoch: number): Kept | undefined;
  connect(machine: Machine, number: number): Connected;
  /** It is away from now on. Returns whether it has lost its records. */
  goDown(how: { isWiped: boolean }): boolean;
  comeBack(): void;
  /** Its replica gets nothing more. Returns how that takes over. Absent where there is none. */
  fallBehind?(): (how: { skewMs: number }) => void;
  /** One key of a stream is gone. Absent where streams have no keys of their own. */
  evict?(streamId: string, part: "record" | "tail" | "text"): void;
}
