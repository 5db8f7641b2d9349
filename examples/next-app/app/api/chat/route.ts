// The chat's route.

import { convertToModelMessages, safeValidateUIMessages, streamText, toUIMessageStream } from "ai";
import { createChatHandlers } from "resumable-stream/ai-sdk";
import { loadChat, saveChat } from "../../../lib/chats.ts";
import { context } from "../../../lib/context.ts";
import { model } from "../../../lib/model.ts";
import { isOwner } from "../../../lib/users.ts";

export const { POST, GET, DELETE } = createChatHandlers(context, {
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
