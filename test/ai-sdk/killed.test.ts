// A chat's server is killed in mid-answer: another one saves what is left of it.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Pool } from "pg";
import { createClient } from "redis";
import { beforeAll, expect, inject, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { createResumableStreamContext } from "../../src/redis.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import {
  createChats,
  type Chats,
  question,
  savedAnswers,
  type Saving,
  textOf,
  untilAsked,
  untilRead,
  untilSaved,
} from "./chats.ts";

const script = fileURLToPath(
  new URL("../../node_modules/.cache/resumable-stream/killed-server.mjs", import.meta.url),
);
const options = { waitUntil: null, onError: () => undefined };

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL("killed-server.ts", import.meta.url))],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
  });
});

/** A server that answers the first question until it is killed; `chats` gets what it saved of it. */
async function startServer(chats: Chats, env: Record<string, string>): Promise<() => Promise<void>> {
  const child = fork(script, { env: { ...process.env, ...env } });
  const [saved] = (await once(child, "message")) as [Saving[]];
  for (const { chatId, messages } of saved) chats.stored.set(chatId, messages);
  return async () => {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
}

/** The next question, and an answer to it. */
async function expectNext(chats: Chats, before: string[]): Promise<void> {
  const response = await chats.POST(question("q2", "Again"));
  expect(response.status).toBe(200);
  const asked = await untilAsked(chats);
  expect(asked.messages.map(textOf)).toEqual([...before, "Again"]);
  asked.say("whole");
  asked.end();
  expect(await response.text()).toContain("end=done");
  expect(chats.stored.get("chat")?.map(textOf)).toEqual([...before, "Again", "whole"]);
}

test("over Postgres its text is saved, once, and the next question goes with it to the model", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  await using pool = Object.assign(new Pool({ connectionString: database.url }), {
    [Symbol.asyncDispose]: () => pool.end(),
  });
  await using context = createPostgresResumableStreamContext({ ...options, pool, leaseMs: 1_000 });
  const chats = createChats(context);
  const kill = await startServer(chats, { CHAT_POSTGRES_URL: database.url });
  const reading = await untilRead(await chats.GET(), '"9 "');
  await kill();
  await expect(reading.toEnd()).rejects.toBeInstanceOf(Error);
  const [saved] = await untilSaved(chats);
  expect(saved).toMatchObject({ end: "lost", messages: [question("q1"), saved?.message] });
  const text = textOf(saved?.message) ?? "";
  expect(text).toMatch(/^1 2 3 4 5 6 7 8 9 (\d+ )*$/);
  expect(saved?.message?.parts).toEqual([{ type: "text", text, state: "done" }]);
  await expectNext(chats, ["Hello", text]);
  expect(savedAnswers(chats).map(({ end }) => end)).toEqual(["lost", "done"]);
});

test("over Redis its text is gone with it: the chat is saved as it was, as lost", async () => {
  const keyPrefix = `killed-${crypto.randomUUID()}`;
  const client = createClient({ url: inject("redisUrl") });
  await using context = createResumableStreamContext({
    ...options,
    keyPrefix,
    publisher: client,
    subscriber: client.duplicate(),
  });
  const chats = createChats(context);
  const kill = await startServer(chats, { CHAT_REDIS_URL: inject("redisUrl"), CHAT_PREFIX: keyPrefix });
  const reading = await untilRead(await chats.GET(), '"9 "');
  await kill();
  await expect(reading.toEnd()).rejects.toBeInstanceOf(Error);
  const [saved] = await untilSaved(chats);
  expect(saved).toMatchObject({ end: "lost", messages: [question("q1")], message: undefined });
  await expectNext(chats, ["Hello"]);
  expect(savedAnswers(chats).map(({ end }) => end)).toEqual(["lost", "done"]);
});
