// The server: a chat's route, and the page.

import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { convertToModelMessages, safeValidateUIMessages, streamText, toUIMessageStream } from "ai";
import { Hono } from "hono";
import { createChatHandlers } from "resumable-stream/ai-sdk";
import { loadChat, saveChat } from "./chats.ts";
import { context } from "./context.ts";
import { model } from "./model.ts";
import { isOwner } from "./users.ts";

const { POST, GET, DELETE } = createChatHandlers(context, {
  authorize: isOwner, // Yours: whether the user who asks may read, ask and stop in this chat.
  load: loadChat,
  save: saveChat,
  validate: async (message) => (await safeValidateUIMessages({ messages: [message] })).success,
  answer: async ({ messages, signal }) => {
    const prompt = await convertToModelMessages(messages);
    const { stream } = streamText({ model, messages: prompt, abortSignal: signal }); // Stop aborts it.
    return toUIMessageStream({ stream });
  },
});

const app = new Hono();
app.post("/api/chat", (c) => POST(c.req.raw));
app.get("/api/chat", (c) => GET(c.req.raw));
app.delete("/api/chat", (c) => DELETE(c.req.raw));
app.use(serveStatic({ root: "dist" }));

// Of this machine alone: whoever reaches it may read every chat.
const address = { hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 3000) };
serve({ fetch: app.fetch, ...address }, ({ port }) => {
  console.log(`A chat that goes on: http://127.0.0.1:${port}/`);
});
