// A chat over two servers, and over Redis and Postgres: asked at one of them, resumed and stopped at the other.

import { Pool } from "pg";
import { createClient } from "redis";
import { describe, expect, inject, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { createResumableStreamContext } from "../../src/redis.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import {
  type Chats,
  createChats,
  question,
  savedAnswers,
  textOf,
  untilAsked,
  untilRead,
  untilSaved,
} from "./chats.ts";

interface Servers extends AsyncDisposable {
  here: Chats;
  there: Chats;
}

const options = { waitUntil: null, onError: () => undefined };

function overRedis(): Promise<Servers> {
  const keyPrefix = `chats-${crypto.randomUUID()}`;
  const [first, second] = [1, 2].map(() => {
    const client = createClient({ url: inject("redisUrl") });
    return createResumableStreamContext({
      ...options,
      keyPrefix,
      publisher: client,
      subscriber: client.duplicate(),
    });
  });
  if (!first || !second) throw new Error("There are two.");
  const here = createChats(first);
  const close = async (): Promise<void> => void (await Promise.all([first.close(), second.close()]));
  return Promise.resolve({ here, there: here.over(second), [Symbol.asyncDispose]: close });
}

async function overPostgres(): Promise<Servers> {
  const database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pools = [1, 2].map(() => new Pool({ connectionString: database.url }));
  const [first, second] = pools.map((pool) => createPostgresResumableStreamContext({ ...options, pool }));
  if (!first || !second) throw new Error("There are two.");
  const here = createChats(first);
  return {
    here,
    there: here.over(second),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([first.close(), second.close()]);
      await Promise.all(pools.map((pool) => pool.end()));
      await database[Symbol.asyncDispose]();
    },
  };
}

describe.each([
  { store: "Redis", open: overRedis },
  { store: "Postgres", open: overPostgres },
])("over $store", ({ open }) => {
  test("an answer is resumed elsewhere, and saved once", async () => {
    await using servers = await open();
    const { here, there } = servers;
    const response = await here.POST(question("q1"));
    const asked = await untilAsked(here);
    asked.say("Good ");
    const resumed = await untilRead(await there.GET(), "Good ");
    asked.say("day.");
    asked.end();
    expect(await resumed.toEnd()).toContain("end=done");
    expect(await response.text()).toContain('"day."');
    const [saved] = await untilSaved(here);
    expect(saved).toMatchObject({ end: "done", generation: response.headers.get("stream-generation") });
    expect(textOf(saved?.message)).toBe("Good day.");
    // Who has seen the end finds it, and the answer saved.
    expect((await there.GET()).headers.get("stream-status")).toBe("done");
    expect(savedAnswers(here)).toHaveLength(1);
  });

  test("stopped elsewhere: the model stops, the answer is saved once, and the next question finds it", async () => {
    await using servers = await open();
    const { here, there } = servers;
    const response = await here.POST(question("q1"));
    const asked = await untilAsked(here);
    asked.say("half");
    await untilRead(await there.GET(), "half");
    const mark = response.headers.get("stream-generation") ?? "";
    expect((await there.DELETE(`&generation=${mark}`)).status).toBe(200);
    expect(asked.signal.aborted).toBe(true);
    expect(savedAnswers(here).map(({ end }) => end)).toEqual(["stopped"]);
    const next = await there.POST(question("q2"));
    expect(next.status).toBe(200);
    const again = await untilAsked(here, 2);
    expect(again.messages.map(textOf)).toEqual(["Hello", "half", "Hello"]);
    // Late: it names an answer that is over.
    expect((await here.DELETE(`&generation=${mark}`)).status).toBe(204);
    again.say("whole");
    again.end();
    expect(await next.text()).toContain("whole");
  });

  test("asked elsewhere while it is being answered: 409, and the answer goes on", async () => {
    await using servers = await open();
    const { here, there } = servers;
    const response = await here.POST(question("q1"));
    const asked = await untilAsked(here);
    expect((await there.POST(question("q2"))).status).toBe(409);
    asked.say("whole");
    asked.end();
    expect(await response.text()).toContain("end=done");
    expect(here.stored.get("chat")?.map(textOf)).toEqual(["Hello", "whole"]);
  });

  test("a page with a part of an answer that is over, where another one runs, is told so", async () => {
    await using servers = await open();
    const { here, there } = servers;
    await here.POST(question("q1"));
    (await untilAsked(here)).say("half");
    const first = await there.GET();
    await (await untilRead(first, "half")).leave();
    const mark = first.headers.get("stream-generation") ?? "";
    await there.DELETE();
    await there.POST(question("q2"));
    (await untilAsked(here, 2)).say("another");
    const told = await there.GET(`&resumeAt=20.${mark}`);
    expect([told.status, told.headers.get("stream-status")]).toEqual([410, "superseded"]);
  });
});
