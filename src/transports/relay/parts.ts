// What every part of a relay shares.

import type { ResumableStreamError } from "../../port/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { HandOver } from "../../port/hand-over.ts";
import type { Link } from "./link.ts";
import type { Names } from "./protocol.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { stepClaim } from "./claim-state.ts";
import type { stepVerdict } from "./verdict.ts";

export interface RelaySettings {
  retentionSeconds: number;
  ackTimeoutMs: number;
  livenessMs: number;
  lingerMs: number;
}

export interface RelayParts {
  /** The relay: all that works for it keeps it, and so goes on to hear of reconnects. */
  owner: object;
  /** Names this context to others. */
  contextId: string;
  settings: RelaySettings;
  names: Names;
  link: Link;
  subscriptions: Subscriptions;
  clock: Clock;
  /** Takes streams whose producer is found dead; absent: nobody does. */
  handOver: HandOver | undefined;
  onError: (error: ResumableStreamError) => void;
  /** The decisions, for tests that break one; absent: the real ones. */
  stepVerdict?: typeof stepVerdict | undefined;
  stepClaim?: typeof stepClaim | undefined;
}
