// Ended streams on their way to the app: for producers, and for backends that find one dead.

import type { EndKind } from "./transport.ts";

/** A stream that has ended, as the one process knows it that was elected to hand it over. */
export interface Ended {
  /** The id that its producer's caller named. */
  streamId: string;
  /** The claim that the text was written under; undefined if the backend never answered. */
  epoch: number | undefined;
  /** How it ended. */
  end: EndKind;
  /** All of its text, as far as it came; undefined if it is lost: with a relay's producer, or by a log's store. */
  text: string | undefined;
  /** The source's error; undefined if there was none, and in another process. */
  error: unknown;
  /** When it was claimed, in milliseconds since 1970. */
  startedAtMs: number;
}

/** Hands ended streams over to the app. */
export interface HandOver {
  /** Whether the app wants them: if not, nothing is kept, asked or elected for it. */
  readonly isWanted: boolean;
  /** How long one call may take. */
  readonly timeoutMs: number;
  /** Whether the app has taken it. Settles within `timeoutMs`, and never rejects: a failure was told to `onError`. */
  run(ended: Ended): Promise<boolean>;
}
