// A stream in plain text that runs, for a page to read.

import { createResumeHandlers } from "../../src/http.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";

/** The stream "chat", and the handler of its GET with these headers. */
export async function openText(headers: Record<string, string> = {}) {
  const context = createResumableStreamContext({ waitUntil: null });
  const source = manualSource();
  await (await context.createNewResumableStream("chat", source.makeStream))?.cancel();
  const { GET } = createResumeHandlers(context, {
    streamId: () => "chat",
    authorize: () => true,
    format: "text",
    headers,
  });
  return { context, source, GET, [Symbol.asyncDispose]: () => context.close() };
}
