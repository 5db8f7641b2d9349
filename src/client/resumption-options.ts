// The parts of a body that is read over several connections.

import type { Position } from "./answer.ts";
import type { Platform } from "./platform.ts";

export interface ResumptionOptions {
  platform: Platform;
  /** The answer to the first request. */
  response: Response;
  /** Where the first answer's text starts. */
  position: Position;
  /** Asks for the stream from a position on. */
  request: (position: Position, signal: AbortSignal) => Promise<Response>;
  /** The caller makes the address himself, and so speaks for a server that confirms nothing. */
  isTrusted: boolean;
  signal: AbortSignal | null | undefined;
  stallTimeoutMs: number;
  maxAttempts: number;
  onCaughtUp: (() => void) | undefined;
}
