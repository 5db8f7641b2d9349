// A producer is dead: its claim is fenced, its record freed, and the app told.

import { claimedAtMs } from "./epochs.ts";
import type { RelayParts } from "./parts.ts";
import { encodeRequest } from "./protocol.ts";
import type { ClaimedRecord, StatusRecord } from "./record.ts";

/** The record afterwards: free, by us or by another who asked as well, unless somebody has claimed it. */
export async function condemn(
  relay: RelayParts,
  streamId: string,
  { epoch, raw }: ClaimedRecord,
): Promise<StatusRecord> {
  const { link, names } = relay;
  const key = names.record(streamId);
  // Before the id is free: a producer that was only frozen must not wake into its successor's stream.
  await link.publish(names.request(streamId), encodeRequest({ type: "fence", epoch }));
  if (await link.freeIf(key, raw)) {
    await handOver(relay, streamId, epoch);
    return { status: "free" };
  }
  return link.get(key);
}

/** Whoever frees the record of a dead producer is the one who tells the app. Its text died with it. */
async function handOver({ handOver: toApp }: RelayParts, streamId: string, epoch: number): Promise<void> {
  // A claim by `INCR` that hasn't named its epoch never began, or is of version 2.
  if (!toApp?.isWanted || epoch === 0) return;
  const startedAtMs = claimedAtMs(epoch);
  await toApp.run({ streamId, epoch, startedAtMs, end: "lost", text: undefined, error: undefined });
}
