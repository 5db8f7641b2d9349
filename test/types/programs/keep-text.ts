// Streams over Redis, as a user writes them: those whose text Redis keeps may have failed, the others can't.

import { createResumableStreamContext, type DurableStreamContext } from "resumable-stream";
import { createResumableStreamContext as overIoredis, type KeepTextOptions } from "resumable-stream/ioredis";
import {
  createResumableStreamContext as overRedis,
  type ResumableStreamContext,
} from "resumable-stream/redis";

const kept: DurableStreamContext = createResumableStreamContext({
  waitUntil: null,
  keepText: true,
  leaseMs: 20_000,
  flushIntervalMs: 100,
  replay: true,
});
const passedOn: ResumableStreamContext = createResumableStreamContext({ waitUntil: null });
const saidSo: ResumableStreamContext = overIoredis({ waitUntil: null, keepText: false });

export async function whatIsLeft(streamId: string): Promise<ReadableStream<string> | null | undefined> {
  const found: null | true | "DONE" | "failed" = await kept.hasExistingStream(streamId);
  return found === "failed" ? kept.resumeExistingStream(streamId) : null;
}

export async function neverFailed(streamId: string): Promise<(null | true | "DONE")[]> {
  return [await passedOn.hasExistingStream(streamId), await saidSo.hasExistingStream(streamId)];
}

/** From the app's configuration: whichever it is, the answer may be "failed". */
export function configured(keepText: boolean): DurableStreamContext {
  return overRedis({ waitUntil: null, keepText });
}

export async function mayHaveFailed(streamId: string): Promise<null | true | "DONE"> {
  // @ts-expect-error -- where the text is kept, a stream may have failed.
  return kept.hasExistingStream(streamId);
}

export async function cannotHaveFailed(streamId: string): Promise<boolean> {
  // @ts-expect-error -- where the text isn't kept, the two have nothing in common.
  return (await passedOn.hasExistingStream(streamId)) === "failed";
}

export const options: KeepTextOptions = { keepText: true, leaseMs: 5_000 };

// @ts-expect-error -- replay is of kept text.
createResumableStreamContext({ waitUntil: null, replay: true });
// @ts-expect-error -- a lease is of kept text.
overRedis({ waitUntil: null, leaseMs: 5_000 });
// @ts-expect-error -- nothing gathers to be written.
overIoredis({ waitUntil: null, keepText: false, flushIntervalMs: 100 });
