// The chat's id is in the URL, so that a reload or a second tab finds it again.

import { redirect } from "next/navigation";
import { loadChat } from "../lib/chats.ts";
import { Chat } from "./chat.tsx";

export default async function Page({ searchParams }: { searchParams: Promise<{ id?: string }> }) {
  const { id } = await searchParams;
  if (!id) redirect(`/?id=${crypto.randomUUID()}`);
  return <Chat id={id} stored={await loadChat(id)} />;
}
