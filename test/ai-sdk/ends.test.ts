// How an answer ends, over memory: what is saved of it, when, and what its readers are told.

import { afterEach, beforeEach, expect, test } from "vitest";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { sourceOf } from "../../src/testing/manual-source.ts";
import { createChats, question, savedAnswers, textOf, untilAsked, untilRead, untilSaved } from "./chats.ts";

let context: ResumableStreamContext;
beforeEach(() => {
  const options = { waitUntil: null, onError: () => undefined };
  context = createResumableStreamContext({ ...options, keyPrefix: crypto.randomUUID() });
});
afterEach(() => context.close());

const told = (response: Response) => [response.status, response.headers.get("stream-status")];
const bodyOf = (response: Response): Promise<string> => response.text();
const markOf = (response: Response): string => response.headers.get("stream-generation") ?? "";

test("stopped: the model's signal aborts, and the answer is saved as far as it came when DELETE answers", async () => {
  const chats = createChats(context, {
    stopFinish: { finishReason: "other", messageMetadata: { cut: 1 } },
  });
  const response = await chats.POST(question("q1"));
  const asked = await untilAsked(chats);
  asked.say("half a ");
  const second = await chats.GET();
  expect(told(await chats.DELETE(`&generation=${markOf(response)}`))).toEqual([200, "stopped"]);
  expect(asked.signal.aborted).toBe(true);
  expect(savedAnswers(chats)).toHaveLength(1);
  const [saved] = savedAnswers(chats);
  expect(saved).toMatchObject({ end: "stopped", message: { metadata: { cut: 1 } } });
  expect(saved?.message?.parts).toEqual([{ type: "text", text: "half a ", state: "done" }]);
  for (const reader of [response, second]) {
    expect(await bodyOf(reader)).toContain('data: {"type":"finish","finishReason":"other"');
  }
});

test("a question right after a stop is never refused, however slow the saving is", async () => {
  let release = (): void => undefined;
  const slow = new Promise<void>((resolve) => (release = resolve));
  const saved: (string | undefined)[] = [];
  const chats = createChats(context, {
    save: async (_chatId, _messages, { end }) => {
      if (end === "stopped") await slow;
      saved.push(end);
    },
  });
  await chats.POST(question("q1"));
  (await untilAsked(chats)).say("half");
  const stopped = chats.DELETE();
  await expect.poll(() => chats.answers[0]?.signal.aborted).toBe(true);
  const next = stopped.then(() => chats.POST(question("q2")));
  release();
  expect((await next).status).toBe(200);
  expect(saved).toEqual([undefined, "stopped", undefined]);
});

test("failed: what came is saved, and readers are told", async () => {
  const chats = createChats(context);
  const response = await chats.POST(question("q1"));
  const asked = await untilAsked(chats);
  asked.say("half");
  // A source that fails drops what wasn't read of it.
  const read = await untilRead(response, "half");
  asked.fail(new Error("The model broke."));
  const [saved] = await untilSaved(chats);
  expect(saved).toMatchObject({ end: "failed" });
  expect(textOf(saved?.message)).toBe("half");
  await expect(read.toEnd()).rejects.toBeInstanceOf(Error);
});

test("an answer of which nothing came leaves the question alone", async () => {
  const chats = createChats(context, { answer: () => Promise.reject(new Error("No model.")) });
  await expect(chats.POST(question("q1")).then(bodyOf)).rejects.toBeInstanceOf(Error);
  const [saved] = await untilSaved(chats);
  expect(saved).toMatchObject({ end: "failed", message: undefined, messages: [question("q1")] });
});

test("of an answer that was superseded stands behind its own question", async () => {
  const chats = createChats(context);
  const response = await chats.POST(question("q1"));
  (await untilAsked(chats)).say("first");
  await untilRead(response, "first");
  // Past the handlers, as two questions of one moment may be.
  chats.stored.set("chat", [question("q1"), question("q2")]);
  await context.createNewResumableStream("chat:chat", () => new ReadableStream());
  const [saved] = await untilSaved(chats);
  expect(saved).toMatchObject({ end: "lost" });
  expect(saved?.messages.map(({ id }) => id)).toEqual(["q1", saved?.message?.id, "q2"]);
});

test("streams of others are nobody's chat", async () => {
  const chats = createChats(context);
  const stream = await context.createNewResumableStream("report-1", sourceOf(["text"]));
  for await (const _ of stream ?? []);
  const response = await chats.POST(question("q1"));
  (await untilAsked(chats)).end();
  await bodyOf(response);
  await untilSaved(chats);
  expect(chats.saved.map(({ chatId }) => chatId)).toEqual(["chat", "chat"]);
});
