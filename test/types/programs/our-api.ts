// What we add to the published types, as a user writes it.

import {
  createResumableStreamContext,
  ResumableStreamError,
  type MakeStream,
  type ResumableStreamContext,
  type ResumableStreamErrorCode,
  type StreamEvent,
} from "resumable-stream";

const ends: string[] = [];

const context: ResumableStreamContext = createResumableStreamContext({
  waitUntil: null,
  keyPrefix: "app",
  retentionSeconds: 3_600,
  ackTimeoutMs: 2_000,
  livenessMs: 3_000,
  claimTimeoutMs: 3_000,
  lingerMs: 5_000,
  whenUnavailable: "throw",
  onError: (error) => ends.push(error.code),
  onEvent: (event: StreamEvent) => {
    if (event.type === "ended") ends.push(event.end);
  },
});

const makeStream: MakeStream = async ({ streamId, signal }) => {
  const response = await fetch(`https://model.example/${streamId}`, { signal });
  return response.body?.pipeThrough(new TextDecoderStream()) ?? new ReadableStream<string>();
};

export async function useAll(streamId: string): Promise<ResumableStreamErrorCode | undefined> {
  try {
    await context.resumableStream(streamId, makeStream, 10);
    await context.createNewResumableStream(streamId, () => new ReadableStream<string>());
    const stopped: boolean = await context.stopStream(streamId, { reason: "the user pressed stop" });
    return stopped ? undefined : "PRODUCER_LOST";
  } catch (error) {
    return error instanceof ResumableStreamError ? error.code : undefined;
  } finally {
    await context.close();
    await context[Symbol.asyncDispose]();
  }
}

// @ts-expect-error -- a source gives strings: an offset counts their code units.
export const ofBytes = context.resumableStream("id", () => new ReadableStream<Uint8Array>());
