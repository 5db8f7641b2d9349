import {
  convertToModelMessages,
  generateId,
  JsonToSseTransformStream,
  safeValidateUIMessages,
  streamText,
  toUIMessageStream,
  type UIMessage,
} from "ai";
import { streamResponse } from "resumable-stream/http";
import { finishChat, newStreamId, updateChat, withMessage } from "../../../lib/chats.ts";
import { atEnd, context, headers } from "../../../lib/context.ts";
import { model } from "../../../lib/model.ts";

export async function POST(request: Request): Promise<Response> {
  // Another site's page can send a form or a text here, and no JSON.
  if (!/^application\/json\b/.test(request.headers.get("content-type") ?? "")) {
    return new Response("Send JSON.\n", { status: 415 });
  }
  const { id, message } = (await request.json()) as { id: unknown; message: unknown };
  // The last message only; "Try again" sends none. What came before is ours to know.
  const sent = message === null ? [] : [message];
  const valid = sent.length === 0 || (await safeValidateUIMessages({ messages: sent })).success;
  if (typeof id !== "string" || !id || !valid)
    return new Response("Send an id and a message.\n", { status: 400 });
  // Made here: an id that a page chose could be somebody else's.
  const streamId = newStreamId(id);
  const chat = await updateChat(id, (stored) => {
    const messages = withMessage(stored.messages, sent as UIMessage[]);
    return messages && { messages, activeStreamId: streamId };
  });
  return chat
    ? answer(id, streamId, chat.messages)
    : new Response("Send a message of the user's.\n", { status: 400 });
}

async function answer(id: string, streamId: string, messages: UIMessage[]): Promise<Response> {
  const stream = await context.createNewResumableStream(streamId, async ({ signal }) => {
    const prompt = await convertToModelMessages(messages);
    // The stream's signal, not the request's: a reader that leaves stops nothing, and the stop button does.
    const result = streamText({ model, messages: prompt, abortSignal: signal });
    const chunks = toUIMessageStream({
      stream: result.stream,
      originalMessages: messages,
      generateMessageId: generateId,
      // Also when it was stopped: then with what there is.
      onEnd: (end) => finishChat(id, { streamId, messages: end.messages }),
    });
    return chunks.pipeThrough(new JsonToSseTransformStream());
  });
  if (!stream) return new Response(null, { status: 204 });
  return streamResponse(stream, { headers: { ...headers, "stream-id": streamId }, atEnd });
}
