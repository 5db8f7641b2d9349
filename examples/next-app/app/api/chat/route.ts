import {
  convertToModelMessages,
  generateId,
  JsonToSseTransformStream,
  streamText,
  toUIMessageStream,
  type UIMessage,
} from "ai";
import { streamResponse } from "resumable-stream/http";
import { finishChat, saveChat } from "../../../lib/chats.ts";
import { context, headers } from "../../../lib/context.ts";
import { model } from "../../../lib/model.ts";

export async function POST(request: Request): Promise<Response> {
  const { id, messages } = (await request.json()) as { id: string; messages: UIMessage[] };
  const streamId = crypto.randomUUID();
  await saveChat(id, { messages, activeStreamId: streamId });
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
  return stream ? streamResponse(stream, { headers }) : new Response(null, { status: 204 });
}
