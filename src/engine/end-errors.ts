// What a follower's stream errors with, by how the stream that it followed ended.

import { ResumableStreamError } from "../port/errors.ts";
import type { EndKind } from "../port/transport.ts";

/** Undefined for an end that closes the stream. `next`: the offset after the last character that was handed over. */
export function endErrorOf(
  kind: EndKind,
  { streamId, next }: { streamId: string; next: number },
): ResumableStreamError | undefined {
  switch (kind) {
    case "done":
    case "stopped":
      return undefined;
    case "failed":
      return new ResumableStreamError(
        "SOURCE_FAILED",
        `The source of "${streamId}" failed after ${next} characters; its producer knows why.`,
      );
    case "lost":
      return new ResumableStreamError(
        "PRODUCER_LOST",
        `Cannot follow "${streamId}" beyond offset ${next}: its producer is gone, or a newer one took the stream over.`,
      );
  }
}

/** `what`: what its caller can't do any more. */
export function closedError(what: string): ResumableStreamError {
  return new ResumableStreamError("CLOSED", `Cannot ${what}: the context was closed.`);
}
