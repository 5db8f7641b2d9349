// What a simulation notes of claims, and of a promise that broke.

import type { Participant } from "./participant.ts";
import type { Run } from "./run.ts";

/** A broken promise, by its number in the design. */
export interface Violation {
  promise: "G1" | "G2" | "G3" | "G4" | "G5" | "G6" | "G7" | "G9" | "G13" | "G14";
  what: string;
}

/** A claim that the server granted and its process heard of. */
export interface Win {
  participant: Participant;
  streamId: string;
  epoch: number;
  /** Its place among all claims, in the order of the server. */
  order: number;
  /** The transport has given it to the engine. One that came after its caller gave up is given to nobody. */
  isGranted: boolean;
  /** When that was; infinite before. */
  grantedAt: number;
  askedAt: number;
  /** Absent until `makeStream` was called under it. */
  run: Run | undefined;
}
