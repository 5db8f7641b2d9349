// A producer's options.

import type { ResumableStreamError } from "../port/errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { HandOver } from "../port/hand-over.ts";
import type { EndKind } from "../port/transport.ts";
import type { stepProducer } from "./producer-state.ts";
import type { Turns } from "./turns.ts";

export interface ProducerOptions {
  streamId: string;
  /** Whether the transport wants all text, or only while somebody follows. */
  keepsText: boolean;
  handOver: HandOver;
  sourceIdleMs: number | undefined;
  /** The most bytes of UTF-8 that its source may give; absent: as many as it likes. */
  maxBytes: number | undefined;
  clock: Clock;
  turns: Turns;
  /** Trouble that concerns nobody's call. */
  onError: (error: ResumableStreamError) => void;
  onEnded: (end: EndKind, offset: number) => void;
  /** The stream is no longer this producer's to serve: ended, or superseded. */
  onReleased: () => void;
  step?: typeof stepProducer | undefined;
}
