// A stream, from a producer to a follower that have nothing in common but the server.

import { randomUUID } from "node:crypto";
import type { Store } from "../stores/store.ts";
import type { Check } from "./check.ts";

export interface StreamSubject {
  producing: Store;
  following: Store;
}

/** More than a page, so that it is paged. */
const BEGINNING = "resumable-stream doctor ".repeat(20_000);
const REST = "and the rest, live";

export const streamCheck: Check<StreamSubject> = {
  name: "a stream",
  advice: "See to the checks above first. Where they are all fine, please report this.",
  run: async ({ producing, following }) => {
    const streamId = `doctor-${randomUUID()}`;
    const startedAt = performance.now();
    let source: ReadableStreamDefaultController<string> | undefined;
    const stream = await producing.context.createNewResumableStream(
      streamId,
      () =>
        new ReadableStream<string>({
          start: (controller) => {
            source = controller;
            controller.enqueue(BEGINNING);
          },
        }),
    );
    try {
      const produced = readAll(stream);
      const followed = readAll(await following.context.resumeExistingStream(streamId));
      source?.enqueue(REST);
      source?.close();
      const texts = await Promise.all([produced, followed]);
      const tookMs = Math.round(performance.now() - startedAt);
      if (texts.every((text) => text === BEGINNING + REST)) {
        return { status: "ok", found: `a stream was produced and followed, in ${tookMs} ms` };
      }
      return { status: "failed", found: "the follower's text differs", advice: streamCheck.advice };
    } finally {
      await producing.remove(streamId);
    }
  },
};

async function readAll(stream: ReadableStream<string> | null | undefined): Promise<string> {
  if (!stream) throw new Error("A stream that runs wasn't found.");
  let text = "";
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
  }
}
