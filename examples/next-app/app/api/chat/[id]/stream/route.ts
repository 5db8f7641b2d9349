import { createResumeHandlers } from "resumable-stream/http";
import { isAnswerOf, loadChat } from "../../../../../lib/chats.ts";
import { atEnd, context, headers } from "../../../../../lib/context.ts";

const resume = createResumeHandlers<[chatId: string, streamId: string | null]>(context, {
  streamId: (_request, _chatId, streamId) => streamId,
  // Who may read this chat? Here, everybody who knows its id; but a stream only as part of its chat.
  authorize: (_request, streamId, chatId) => isAnswerOf(chatId, streamId),
  headers,
  atEnd,
});

type Handler = (request: Request, route: { params: Promise<{ id: string }> }) => Promise<Response>;

function handler(method: "GET" | "DELETE"): Handler {
  return async (request, { params }) => {
    const { id } = await params;
    // The answer that the page has a part of, or else the one that is being written: never a part of each.
    const asked = new URL(request.url).searchParams.get("stream");
    const streamId = asked ?? (await loadChat(id)).activeStreamId;
    const response = await resume[method](request, id, streamId);
    if (streamId) response.headers.set("stream-id", streamId);
    return response;
  };
}

export const GET = handler("GET");
export const DELETE = handler("DELETE");
