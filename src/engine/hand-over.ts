// Gives the app the text of a producer that has ended or was superseded, unless another has.

import type { Ended, HandOver } from "../port/hand-over.ts";
import type { Claim } from "../port/transport.ts";

/** Settles when the app has had it. Rejects only if the claim throws at what it is told. */
export async function handOverOnce(
  handOver: HandOver,
  { claim, isFenced, ended }: { claim: Claim | undefined; isFenced: boolean; ended: Ended },
): Promise<void> {
  if (isFenced && (await isAnothers(claim))) return;
  if (!isFenced) claim?.handingOver?.();
  const isTaken = await handOver.run(ended);
  claim?.handedOver?.(isTaken);
}

/** Whether another found this producer dead, and gave the app what the backend has of its text. */
async function isAnothers(claim: Claim | undefined): Promise<boolean> {
  try {
    return (await claim?.isHandedOver?.()) ?? false;
  } catch {
    // Nobody knows: twice is better than never.
    return false;
  }
}
