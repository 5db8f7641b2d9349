// The parts of a relay that a composed context gives it.

import type { ResumableStreamError } from "../../port/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { HandOver } from "../../port/hand-over.ts";
import type { Random } from "../../lib/random.ts";
import type { PublishPort } from "./ports.ts";
import type { RelaySettings } from "./parts.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { stepClaim } from "./claim-state.ts";
import type { stepVerdict } from "./verdict.ts";

/** The two halves of a connection to a pub/sub server, as a relay uses them. */
export interface RelayConnection {
  publishPort: PublishPort;
  subscriptions: Subscriptions;
  /** Hears of each time the subscriber's connection is back after a loss. */
  onSubscriberReconnect: (listener: () => void) => () => void;
  /** Hears of errors that the clients report outside of a call. */
  onError: (listener: (error: unknown) => void) => () => void;
  close: () => void;
}

export interface RelayOptions {
  connection: RelayConnection;
  keyPrefix: string;
  settings: RelaySettings;
  claimTimeoutMs: number;
  clock: Clock;
  random: Random;
  onError: (error: ResumableStreamError) => void;
  /** Takes streams whose producer is found dead. Absent: nobody does. */
  handOver?: HandOver | undefined;
  /** Decisions of a test's own, in place of the real ones. */
  stepVerdict?: typeof stepVerdict | undefined;
  stepClaim?: typeof stepClaim | undefined;
}
