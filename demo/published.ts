// The published resumable-stream 2.2.13 over the same Redis, as its README has it: the page shows it beside this one.

import { createResumableStreamContext } from "published-resumable-stream/redis";
import { createClient } from "redis";
import { timedSource } from "./text.ts";

export async function createPublishedRoute(url: string): Promise<(request: Request) => Promise<Response>> {
  const connected = () =>
    createClient({ url })
      .on("error", () => undefined)
      .connect();
  const [publisher, subscriber] = await Promise.all([connected(), connected()]);
  const context = createResumableStreamContext({
    // Of its own: both versions name their records alike.
    keyPrefix: "resumable-stream-2.2.13",
    publisher,
    subscriber,
    // With null it awaits nothing, and a failed promise of its own would end the process.
    waitUntil: (promise) => void promise.catch(() => undefined),
  });
  return async (request) => {
    const { searchParams } = new URL(request.url);
    const id = searchParams.get("id") ?? "";
    const stream =
      request.method === "POST"
        ? await context.createNewResumableStream(id, () =>
            timedSource({ signal: new AbortController().signal }),
          )
        : await context.resumeExistingStream(id, Number(searchParams.get("resumeAt") ?? 0));
    if (!stream) return new Response(null, { status: 204 });
    return new Response(stream.pipeThrough(new TextEncoderStream()), {
      headers: { "content-type": "text/event-stream; charset=utf-8" },
    });
  };
}
