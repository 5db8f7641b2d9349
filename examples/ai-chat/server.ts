// The server: three routes, and the page.

import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import {
  convertToModelMessages,
  generateId,
  JsonToSseTransformStream,
  safeValidateUIMessages,
  streamText,
  toUIMessageStream,
  type UIMessage,
} from "ai";
import { Hono } from "hono";
import { createResumeHandlers, streamResponse } from "resumable-stream/http";
import { finishChat, isAnswerOf, loadChat, newStreamId, updateChat, withMessage } from "./chats.ts";
import { context } from "./context.ts";
import { model } from "./model.ts";

const headers = { "x-vercel-ai-ui-message-stream": "v1" };
/** A stopped answer says so: without it useChat takes a stop for an end, and sends what is queued. */
const atEnd = (end: string): string => (end === "stopped" ? `data: ${JSON.stringify(stopped)}\n\n` : "");
const stopped = { type: "finish", finishReason: "interrupted" };

const resume = createResumeHandlers<[chatId: string, streamId: string | null]>(context, {
  streamId: (_request, _chatId, streamId) => streamId,
  // Who may read this chat? Here, everybody who knows its id; but a stream only as part of its chat.
  authorize: (_request, streamId, chatId) => isAnswerOf(chatId, streamId),
  headers,
  atEnd,
});

async function answer(chatId: string, streamId: string, messages: UIMessage[]): Promise<Response> {
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
  if (!stream) return new Response(null, { status: 204 });
  return streamResponse(stream, { headers: { ...headers, "stream-id": streamId }, atEnd });
}

const app = new Hono();
app.post("/api/chat", async (c) => {
  // Another site's page can send a form or a text here, and no JSON.
  if (!/^application\/json\b/.test(c.req.header("content-type") ?? "")) return c.text("Send JSON.\n", 415);
  const { id, message } = await c.req.json<{ id: unknown; message: unknown }>();
  // The last message only; "Try again" sends none. What came before is ours to know.
  const sent = message === null ? [] : [message];
  const valid = sent.length === 0 || (await safeValidateUIMessages({ messages: sent })).success;
  if (typeof id !== "string" || !id || !valid) return c.text("Send an id and a message.\n", 400);
  // Made here: an id that a page chose could be somebody else's.
  const streamId = newStreamId(id);
  const chat = await updateChat(id, (stored) => {
    const messages = withMessage(stored.messages, sent as UIMessage[]);
    return messages && { messages, activeStreamId: streamId };
  });
  return chat ? answer(id, streamId, chat.messages) : c.text("Send a message of the user's.\n", 400);
});
app.get("/api/chat/:id", async (c) => c.json((await loadChat(c.req.param("id"))).messages));
app.on(["GET", "DELETE"], "/api/chat/:id/stream", async (c) => {
  const chatId = c.req.param("id");
  // The answer that the page has a part of, or else the one that is being written: never a part of each.
  const streamId = c.req.query("stream") ?? (await loadChat(chatId)).activeStreamId;
  const handler = c.req.method === "DELETE" ? resume.DELETE : resume.GET;
  const response = await handler(c.req.raw, chatId, streamId);
  if (streamId) response.headers.set("stream-id", streamId);
  return response;
});
app.use(serveStatic({ root: "dist" }));

// Of this machine alone: whoever reaches it may read every chat.
const address = { hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 3000) };
serve({ fetch: app.fetch, ...address }, ({ port }) => {
  console.log(`A chat that goes on: http://127.0.0.1:${port}/`);
});
