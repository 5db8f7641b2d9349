import { createResumeHandlers } from "resumable-stream/http";
import { loadChat } from "../../../../../lib/chats.ts";
import { context, headers } from "../../../../../lib/context.ts";

export const { GET, DELETE } = createResumeHandlers<[{ params: Promise<{ id: string }> }]>(context, {
  streamId: async (_request, { params }) => (await loadChat((await params).id)).activeStreamId,
  // Who may read this chat? Here, everybody who knows its id.
  authorize: () => true,
  headers,
});
