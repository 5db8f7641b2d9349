// A chat is loaded and saved whole, and a page may load it at any moment.

import { Pool } from "pg";
import { afterEach, beforeEach, expect, inject, onTestFinished, test, vi } from "vitest";
import { createDeferred } from "../../src/lib/deferred.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "../../src/postgres.ts";
import { turns } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { createChats, type Message, question, savedAnswers, untilAsked, untilSaved } from "./chats.ts";

let context: ResumableStreamContext;
beforeEach(() => {
  context = createResumableStreamContext({
    waitUntil: null,
    keyPrefix: crypto.randomUUID(),
    onEndTimeoutMs: 100,
    onError: () => undefined,
  });
});
afterEach(() => context.close());

const told = (response: Response) => [response.status, response.headers.get("stream-status")];
const idsOf = (messages: Message[] | undefined) => messages?.map(({ id }) => id);

test("a save that goes on beyond its deadline doesn't write over the next question", async () => {
  const held = createDeferred<void>();
  const stored = new Map<string, Message[]>();
  const chats = createChats(context, {
    load: (chatId) => structuredClone(stored.get(chatId) ?? []),
    save: async (chatId, messages, { end }) => {
      const isFirstAnswer = end !== undefined && messages.length === 2;
      if (isFirstAnswer) await held.promise;
      stored.set(chatId, structuredClone(messages));
    },
  });
  const first = await chats.POST(question("q1"));
  const asked = await untilAsked(chats);
  asked.say("one");
  asked.end();
  await first.text();
  // The stream has ended without its save, which runs on: a question now would be lost.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const early = chats.POST(question("q2"));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(told(await early)).toEqual([409, "running"]);
  vi.useRealTimers();
  held.resolve();
  await vi.waitFor(() => expect(stored.get("chat")).toHaveLength(2));
  const second = await chats.POST(question("q2"));
  expect(second.status).toBe(200);
  await untilAsked(chats, 2);
  expect(idsOf(stored.get("chat"))).toEqual(["q1", expect.any(String), "q2"]);
});

test.each(["GET", "DELETE"] as const)(
  "a %s between a question's save and its answer waits for that",
  async (method) => {
    const isSaving = createDeferred<void>();
    const held = createDeferred<void>();
    const chats = createChats(context, {
      save: async (_, __, { end }) => {
        if (end !== undefined) return;
        isSaving.resolve();
        await held.promise;
      },
    });
    const posted = chats.POST(question("q1"));
    await isSaving.promise;
    let isTold = false;
    const asking = chats[method]().finally(() => (isTold = true));
    await turns(20);
    expect(isTold).toBe(false);
    held.resolve();
    await posted;
    expect(told(await asking)).toEqual([200, method === "GET" ? "running" : "stopped"]);
  },
);

test("who may not read a chat isn't told by a wait that it is asked something", async () => {
  const isSaving = createDeferred<void>();
  const chats = createChats(context, {
    authorize: (request) => request.method === "POST",
    save: () => {
      isSaving.resolve();
      return new Promise<void>(() => undefined);
    },
  });
  void chats.POST(question("q1"));
  await isSaving.promise;
  for (const method of ["GET", "DELETE"] as const) {
    let isTold = false;
    const asking = chats[method]().finally(() => (isTold = true));
    await turns(20);
    expect(isTold).toBe(true);
    expect((await asking).status).toBe(403);
  }
});

test("a page that loads after an answer is given none of it again, nor an error for one that brought nothing", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 4 });
  const kept: DurableStreamContext = createPostgresResumableStreamContext({
    pool,
    waitUntil: null,
    replay: true,
    onError: () => undefined,
  });
  onTestFinished(() => kept.close().then(() => pool.end()));
  const chats = createChats(kept);
  const first = await chats.POST(question("q1"));
  const asked = await untilAsked(chats);
  asked.say("one");
  asked.end();
  await first.text();
  await untilSaved(chats);
  const loading = await chats.GET();
  expect(told(loading)).toEqual([204, "done"]);
  expect(loading.headers.get("stream-generation")).toBe(savedAnswers(chats)[0]?.generation);
  // A reader of the answer gets what it lacks of it.
  const rest = await chats.GET(`&resumeAt=3.${loading.headers.get("stream-generation") ?? ""}`);
  expect(told(rest)).toEqual([200, "done"]);
  await rest.body?.cancel();

  const failing = createChats(kept, {
    answer: () => {
      throw new Error("overloaded");
    },
  });
  await (await failing.POST(question("q2"), { chatId: "failing" })).text().catch(() => undefined);
  await untilSaved(failing);
  // Until the save has settled it runs.
  await vi.waitFor(async () => {
    const response = await failing.GET("", "failing");
    await response.body?.cancel();
    expect(told(response)).toEqual([204, "absent"]);
  });
});
