import { loadChat } from "../../../../lib/chats.ts";

export async function GET(
  _request: Request,
  { params }: { params: Promise<{ id: string }> },
): Promise<Response> {
  const { messages } = await loadChat((await params).id);
  return Response.json(messages);
}
