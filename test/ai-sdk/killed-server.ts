// A server of a chat whose model says words for ever, in a process that a test kills. Tells its parent what it saves.

import { Pool } from "pg";
import { setTimeout as pass } from "node:timers/promises";
import { createClient } from "redis";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { createResumableStreamContext } from "../../src/redis.ts";
import { createChats, question, untilAsked } from "./chats.ts";

const { CHAT_REDIS_URL, CHAT_POSTGRES_URL, CHAT_PREFIX = "" } = process.env;
const options = { waitUntil: null, keyPrefix: CHAT_PREFIX };

function openContext() {
  if (CHAT_POSTGRES_URL) {
    const pool = new Pool({ connectionString: CHAT_POSTGRES_URL });
    return createPostgresResumableStreamContext({ ...options, pool, leaseMs: 1_000 });
  }
  const client = createClient({ url: CHAT_REDIS_URL ?? "" });
  return createResumableStreamContext({ ...options, publisher: client, subscriber: client.duplicate() });
}

const chats = createChats(openContext());
await chats.POST(question("q1"));
const asked = await untilAsked(chats);
process.send?.(chats.saved);
for (let word = 1; ; word += 1) {
  asked.say(`${word} `);
  await pass(10);
}
