// The chat's route. While an answer is written, Redis knows which process has it.

import { convertToModelMessages, safeValidateUIMessages, streamText, toUIMessageStream } from "ai";
import { after } from "next/server";
import { createResumableStreamContext } from "resumable-stream";
import { createChatHandlers } from "resumable-stream/ai-sdk";
import { loadChat, saveChat } from "../../../lib/chats.ts";
import { model } from "../../../lib/model.ts";
import { isOwner } from "../../../lib/users.ts";

process.env["REDIS_URL"] ??= "redis://localhost:6379";
// `after` keeps the function alive until the answer is saved, also if its reader has left.
const context = createResumableStreamContext({ waitUntil: after });

export const { POST, GET, DELETE } = createChatHandlers(context, {
  authorize: isOwner, // Yours: whether the user who asks may read, ask and stop in this chat.
  load: loadChat,
  save: saveChat,
  validate: async (message) => (await safeValidateUIMessages({ messages: [message] })).success,
  answer: async ({ messages, signal }) => {
    const prompt = await convertToModelMessages(messages);
    const { stream } = streamText({ model, messages: prompt, abortSignal: signal }); // The stop button's.
    return toUIMessageStream({ stream });
  },
});
