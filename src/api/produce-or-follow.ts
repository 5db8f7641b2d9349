// The one call that either produces a stream or follows it, and what a caller gets that names a generation.

import type { OpenSource } from "../engine/source.ts";
import type { Streams } from "../engine/streams.ts";
import { backoffMs } from "../lib/backoff.ts";
import { type Clock, sleep } from "../lib/clock.ts";
import type { Position } from "../lib/position.ts";
import { ResumableStreamError } from "../port/errors.ts";
import type { Transport } from "../port/transport.ts";

/** How often a call starts over when producers come and go under it. */
const MAX_ROUNDS = 8;
const BETWEEN_ROUNDS = { firstMs: 10, maxMs: 1_000 };

export interface Calls {
  streams: Streams;
  transport: Transport;
  clock: Clock;
}

export interface Resumable {
  streamId: string;
  /** Absent if the caller named none: then a failed stream is produced anew. */
  offset: number | undefined;
  openSource: OpenSource;
  /** Whether a caller that could not ask gets its text all the same. */
  mayRunAlone: (error: unknown) => boolean;
}

export async function produceOrFollow(
  { streams, clock }: Calls,
  { streamId, offset, openSource, mayRunAlone }: Resumable,
): Promise<ReadableStream<string> | null> {
  // A caller that names an offset is reconnecting: what is left of a failed stream continues its text, a fresh one doesn't.
  const mode = offset === undefined ? "if-free" : "if-absent";
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (!(await streams.local(streamId))) {
      const stream = await streams.produce(streamId, { mode, openSource, mayRunAlone });
      if (stream) return stream;
    }
    // Without an offset a failed stream is produced anew: its producer may have died between the claim and the read.
    const followed = await streams.follow(streamId, {
      offset: offset ?? 0,
      epoch: undefined,
      ofFailed: offset === undefined ? "refuse" : "read",
    });
    if (followed.status === "following") return followed.stream;
    if (followed.status === "done") return null;
    // The id is free again, and one of those who found it so gets it.
    await sleep(clock, backoffMs(round, BETWEEN_ROUNDS));
    streams.checkOpen();
  }
  const message = `Cannot produce or follow "${streamId}": ${MAX_ROUNDS} producers died while this call waited for them. Try again.`;
  throw new ResumableStreamError("PRODUCER_LOST", message);
}

/** For a caller that names a generation: its text, or nothing of any other. */
export async function resumeGeneration(
  calls: Calls,
  streamId: string,
  position: Position,
): Promise<ReadableStream<string> | null> {
  const followed = await calls.streams.follow(streamId, { ...position, ofFailed: "read" });
  if (followed.status === "following") return followed.stream;
  if (followed.status === "done" && !(await wasOther(calls, streamId, position.epoch))) return null;
  const message = `Cannot resume "${streamId}": the text that this position is of is gone. Start a new one without a position.`;
  throw new ResumableStreamError("PRODUCER_LOST", message);
}

/** Whether the stream that is done was of another claim than the one that is asked for. False if that isn't known. */
export async function wasOther(
  { transport }: Calls,
  streamId: string,
  epoch: number | undefined,
): Promise<boolean> {
  // A text without a claim has no record: whatever is done, that text is not.
  if (epoch !== undefined && epoch < 0) return true;
  if (epoch === undefined || !transport.lastEnd) return false;
  const last = await transport.lastEnd(streamId);
  if (last) return last.epoch !== epoch;
  // Another may have taken the id since it was found done: then what ended last isn't told any more.
  return (await transport.peek(streamId)).status !== "done";
}
