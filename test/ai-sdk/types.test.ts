// An app's own message type goes through the handlers and the page, with the types of each version of the AI SDK.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { errorsOfFiles, root } from "../types/compile.ts";
import { installSdks, SDK_VERSIONS, sdkFolder } from "./sdks.ts";

beforeAll(installSdks, 300_000);

const paths = {
  "resumable-stream/memory": [`${root}dist/memory.d.ts`],
  "resumable-stream/ai-sdk": [`${root}dist/ai-sdk.d.ts`],
  "resumable-stream/ai-sdk/client": [`${root}dist/ai-sdk-client.d.ts`],
};

const programOf = (major: string, wrong = ""): string => `
import { useChat } from "react${major}";
import { convertToModelMessages, DefaultChatTransport, type LanguageModel, streamText, type UIMessage } from "ai${major}";
import { createChatHandlers, foldUIMessage } from "resumable-stream/ai-sdk";
import { createChatClient } from "resumable-stream/ai-sdk/client";
import { createResumableStreamContext } from "resumable-stream/memory";

type Message = UIMessage<{ stopped?: boolean }, { weather: { city: string } }>;
declare const model: LanguageModel;
declare function load(chatId: string): Promise<Message[]>;
declare function save(chatId: string, messages: Message[]): Promise<void>;

export const handlers = createChatHandlers(createResumableStreamContext({ waitUntil: null }), {
  authorize: () => true,
  load,
  save: async (chatId, messages, { message }) => {
    const stopped: boolean | undefined = message?.metadata?.stopped;
    if (!stopped) await save(chatId, messages);
  },
  answer: async ({ messages, signal }) => {
    const prompt = await convertToModelMessages(messages);
    return streamText({ model, messages: prompt, abortSignal: signal }).toUIMessageStream<Message>();
  },
});
export const folded: Message | undefined = foldUIMessage<Message>("");

const client = createChatClient<Message>({ headers: async () => ({ a: "b" }), credentials: "include" });
const transport = new DefaultChatTransport<Message>(client.transport);
export function show(id: string, messages: Message[]): [Message[], () => Promise<boolean>] {
  const chat = client.attach(useChat<Message>({ id, messages, resume: true, transport }));
  return [chat.messages, () => client.stop(id)];
}
${wrong}
`;

test.each(Object.keys(SDK_VERSIONS))("AI SDK %s", async (major) => {
  const folder = await mkdtemp(join(sdkFolder, "types-"));
  try {
    const [right, wrong] = [join(folder, "right.ts"), join(folder, "wrong.ts")];
    await writeFile(right, programOf(major));
    await writeFile(wrong, programOf(major, "export const none: never = handlers;"));
    expect(errorsOfFiles([right], { paths, exactOptionalPropertyTypes: true })).toEqual([]);
    expect(errorsOfFiles([wrong], { paths })).toHaveLength(1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
