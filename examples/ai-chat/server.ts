// The server: three routes, and the page.

import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import {
  convertToModelMessages,
  generateId,
  JsonToSseTransformStream,
  streamText,
  toUIMessageStream,
  type UIMessage,
} from "ai";
import { Hono } from "hono";
import { createResumeHandlers, streamResponse } from "resumable-stream/http";
import { finishChat, loadChat, saveChat } from "./chats.ts";
import { context } from "./context.ts";
import { model } from "./model.ts";

const headers = { "x-vercel-ai-ui-message-stream": "v1" };

const resume = createResumeHandlers<[chatId: string]>(context, {
  streamId: async (_request, chatId) => (await loadChat(chatId)).activeStreamId,
  // Who may read this chat? Here, everybody who knows its id.
  authorize: () => true,
  headers,
});

async function answer(chatId: string, messages: UIMessage[]): Promise<Response> {
  const streamId = crypto.randomUUID();
  await saveChat(chatId, { messages, activeStreamId: streamId });
  const stream = await context.createNewResumableStream(streamId, async ({ signal }) => {
    const prompt = await convertToModelMessages(messages);
    // The stream's signal, not the request's: a reader that leaves stops nothing, and the stop button does.
    const result = streamText({ model, messages: prompt, abortSignal: signal });
    const chunks = toUIMessageStream({
      stream: result.stream,
      originalMessages: messages,
      generateMessageId: generateId,
      // Also when it was stopped: then with what there is.
      onEnd: (end) => finishChat(chatId, { streamId, messages: end.messages }),
    });
    return chunks.pipeThrough(new JsonToSseTransformStream());
  });
  return stream ? streamResponse(stream, { headers }) : new Response(null, { status: 204 });
}

const app = new Hono();
app.post("/api/chat", async (c) => {
  const { id, messages } = await c.req.json<{ id: string; messages: UIMessage[] }>();
  return answer(id, messages);
});
app.get("/api/chat/:id", async (c) => c.json((await loadChat(c.req.param("id"))).messages));
app.get("/api/chat/:id/stream", (c) => resume.GET(c.req.raw, c.req.param("id")));
app.delete("/api/chat/:id/stream", (c) => resume.DELETE(c.req.raw, c.req.param("id")));
app.use(serveStatic({ root: "dist" }));

serve({ fetch: app.fetch, port: Number(process.env["PORT"] ?? 3000) }, ({ port }) => {
  console.log(`A chat that goes on: http://localhost:${port}/`);
});
