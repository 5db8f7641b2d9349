// In place of your database: a file for each chat, with its messages and the stream of the answer that is being written.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { UIMessage } from "ai";

export interface Chat {
  messages: UIMessage[];
  /** Null while no answer is being written. */
  activeStreamId: string | null;
}

export const folder = process.env["DATA_FOLDER"] ?? ".data";
await mkdir(join(folder, "chats"), { recursive: true });

export async function loadChat(id: string): Promise<Chat> {
  try {
    return JSON.parse(await readFile(fileOf(id), "utf8")) as Chat;
  } catch (error) {
    const isNew = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isNew) return { messages: [], activeStreamId: null };
    throw error;
  }
}

const turns = new Map<string, Promise<unknown>>();

/**
 * Changes a chat, one change after the other: an answer may end while the next question comes, and neither may be lost. In your
 * database, a transaction. `change` gives null to leave it as it is.
 */
export function updateChat(id: string, change: (chat: Chat) => Chat | null): Promise<Chat | null> {
  const turn = (turns.get(id) ?? Promise.resolve()).then(async () => {
    const next = change(await loadChat(id));
    if (next) await saveChat(id, next);
    return next;
  });
  const settled = turn
    .catch(() => undefined)
    .then(() => {
      if (turns.get(id) === settled) turns.delete(id);
    });
  turns.set(id, settled);
  return turn;
}

async function saveChat(id: string, chat: Chat): Promise<void> {
  const file = fileOf(id);
  // Renamed when it is whole: a server that is killed leaves the old file or the new one.
  const next = `${file}.${crypto.randomUUID()}`;
  await writeFile(next, JSON.stringify(chat));
  await rename(next, file);
}

/** Stores a finished answer behind its question: a stopped one may end when the next question is already there. */
export async function finishChat(
  id: string,
  { streamId, messages }: { streamId: string; messages: UIMessage[] },
): Promise<void> {
  const [question, answer] = messages.slice(-2);
  await updateChat(id, (chat) => {
    const at = chat.messages.findIndex((message) => message.id === question?.id) + 1;
    const isActive = chat.activeStreamId === streamId;
    const isAnswered = chat.messages[at]?.role === "assistant";
    // A newer answer to the same question stays.
    if (!answer || answer.role !== "assistant" || at === 0 || (isAnswered && !isActive)) return null;
    const all = [...chat.messages.slice(0, at), answer, ...chat.messages.slice(isAnswered ? at + 1 : at)];
    return { messages: all, activeStreamId: isActive ? null : chat.activeStreamId };
  });
}

/** A stream for each answer, named by its chat and by chance. */
export function newStreamId(chatId: string): string {
  return `${encodeURIComponent(chatId)}:${crypto.randomUUID()}`;
}

export function isAnswerOf(chatId: string, streamId: string | null): boolean {
  // No answer runs: that is the chat's own affair, too.
  return streamId === null || streamId.startsWith(`${encodeURIComponent(chatId)}:`);
}

/** What to answer: the messages and one more of the user's, or again, without the answer that broke off. */
export function withMessage(stored: UIMessage[], sent: UIMessage[]): UIMessage[] | null {
  const messages = sent.length === 0 && stored.at(-1)?.role === "assistant" ? stored.slice(0, -1) : stored;
  const all = [...messages, ...sent];
  return all.at(-1)?.role === "user" ? all : null;
}

function fileOf(id: string): string {
  return join(folder, "chats", `${encodeURIComponent(id)}.json`);
}
