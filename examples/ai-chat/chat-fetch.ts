// fetch for useChat: a connection that breaks is taken up again where it stopped.

import { ResumableFetchError, resumableFetch } from "resumable-stream/client";

const encoder = new TextEncoder();

/** `streamUrl`: where the chat's running answer is resumed, be it the POST's or one that was resumed before. */
export async function chatFetch(
  input: RequestInfo | URL,
  { streamUrl, ...init }: RequestInit & { streamUrl: string },
): Promise<Response> {
  const response = await resumableFetch(input, { ...init, resumeUrl: streamUrl });
  // 204: nothing runs. Chromium gives even that a body.
  if (response.status !== 200 || !response.body) return response;
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        if (!(error instanceof ResumableFetchError)) throw error;
        // A body that errors takes along what the SDK has not looked at yet. A chunk comes in its turn.
        const chunk = { type: "error", errorText: error.code };
        controller.enqueue(encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`));
        controller.close();
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(body, response);
}
