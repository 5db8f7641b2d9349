// In place of your database: a file for each chat, with its messages.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { UIMessage } from "ai";

export const folder = process.env["DATA_FOLDER"] ?? ".data";
await mkdir(join(folder, "chats"), { recursive: true });

export async function loadChat(id: string): Promise<UIMessage[]> {
  try {
    return JSON.parse(await readFile(fileOf(id), "utf8")) as UIMessage[];
  } catch (error) {
    const isNew = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isNew) return [];
    throw error;
  }
}

export async function saveChat(id: string, messages: UIMessage[]): Promise<void> {
  // Renamed when it is whole: a server that is killed leaves the old file or the new one.
  const next = `${fileOf(id)}.${crypto.randomUUID()}`;
  await writeFile(next, JSON.stringify(messages));
  await rename(next, fileOf(id));
}

function fileOf(id: string): string {
  return join(folder, "chats", `${encodeURIComponent(id)}.json`);
}
