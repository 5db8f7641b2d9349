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
    const message = `Ignored a message that isn't ours on ${channel}. Others write to it, or the pub/sub server changes messages on their way.`;
    onError(new ResumableStreamError("MALFORMED_MESSAGE", message));
  };
}
