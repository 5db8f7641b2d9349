// Options and events of the streams of a context.

import type { ResumableStreamError } from "../port/errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { HandOver } from "../port/hand-over.ts";
import type { ClaimRequest, EndKind, ReadResult, Transport } from "../port/transport.ts";
import type { stepFollower } from "./follower-state.ts";
import type { stepProducer } from "./producer-state.ts";
import type { OpenSource } from "./source.ts";

export type StreamsEvent =
  | { type: "producing"; streamId: string }
  | { type: "following"; streamId: string; offset: number }
  | { type: "ended"; streamId: string; role: "producer" | "follower"; end: EndKind; offset: number };

export interface StreamsOptions {
  transport: Transport;
  clock: Clock;
  livenessMs: number;
  handOver: HandOver;
  /** How long a source may give nothing; absent: for ever. */
  sourceIdleMs: number | undefined;
  maxBytes: number | undefined;
  /** Keeps the process alive until a producer has settled. */
  keepAlive: (settled: Promise<void>) => void;
  onError: (error: ResumableStreamError) => void;
  onEvent: (event: StreamsEvent) => void;
  parts?: EngineParts | undefined;
}

/** Parts that a simulation replaces: decisions it watches or spoils, and a bound that a small text can reach. */
export interface EngineParts {
  stepFollower?: typeof stepFollower;
  stepProducer?: typeof stepProducer;
  maxQueuedUnits?: number;
}

export interface FollowOptions {
  offset: number;
  /** The claim whose text is wanted. Absent: whichever there is. */
  epoch: number | undefined;
  /** A stream had failed before, and a log has kept its text: it is read to its end, or counts as lost. */
  ofFailed: "read" | "refuse";
  /** Whether a stream that ended well before is read: for a log. */
  replays?: boolean;
}

export interface ProduceOptions {
  mode: ClaimRequest["mode"];
  openSource: OpenSource;
  /** The source is read beside the claim: for a caller that gets its text whatever becomes of that. */
  opensAtOnce?: boolean;
  /** Whether the source runs without a claim after this error, which is told to `onError` then. */
  mayRunAlone: (error: unknown) => boolean;
}

export type FollowResult =
  | { status: "following"; stream: ReadableStream<string> }
  | { status: Exclude<ReadResult["status"], "page"> };
