// The parts of a claim, and whom it tells what becomes of it.

import type { ProducerPort } from "../../port/transport.ts";
import type { RelayParts } from "./parts.ts";

export interface RelayClaimOptions {
  streamId: string;
  epoch: number;
  producer: ProducerPort;
  /** False for a claim that isn't written yet: what fences it may be out of date by the time it is. */
  isWon: boolean;
  relay: RelayParts;
  /** The source has ended; `ended` settles, and never rejects, when its end is written or was given up. */
  onFinishing: (ended: Promise<void>) => void;
  /** Another context follows. */
  onFollowed: () => void;
  onClosed: () => void;
}
