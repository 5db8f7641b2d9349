// Messages on our channels that aren't ours: ignored, and told of once.

import { ResumableStreamError } from "../../port/errors.ts";

/** Returns what to call at each foreign message on one channel; only the first call reports. */
export function foreignMessageReport(
  onError: (error: ResumableStreamError) => void,
  channel: string,
): () => void {
  let isReported = false;
  return () => {
    if (isReported) return;
    isReported = true;
    const message = `Ignored a message on ${channel} that isn't ours, or was changed.`;
    onError(new ResumableStreamError("MALFORMED_MESSAGE", message));
  };
}
