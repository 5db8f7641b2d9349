// A server that refuses what carries text: errors tell of the refusal, and nothing of the text (G11).

import { inspect } from "node:util";
import { afterEach, expect, test } from "vitest";
import type { ResumableStreamError } from "../../src/port/errors.ts";
import { createResumableStreamContext } from "../../src/redis.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read, until } from "../../src/testing/reading.ts";
import { createClients } from "../support/clients.ts";
import { RedisServer } from "../support/redis-server.ts";

const SECRET = "a secret nobody may log";

let closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.toReversed()) await close();
  closers = [];
});

test.each(["redis-6", "ioredis-6"] as const)("%s: a refused publish leaks no text", async (kind) => {
  const server = await RedisServer.start();
  closers.push(() => server.stop());
  const errors: ResumableStreamError[] = [];
  const createContext = async () => {
    const clients = await createClients(kind, server.url);
    closers.push(clients.close);
    const onError = (error: ResumableStreamError) => void errors.push(error);
    const context = createResumableStreamContext({ ...clients, waitUntil: null, onError });
    closers.push(() => context.close());
    return context;
  };
  const [producer, other] = [await createContext(), await createContext()];
  const source = manualSource();
  const primary = read(await producer.createNewResumableStream("private", source.makeStream));
  const follower = read(await other.resumeExistingStream("private"));
  source.push("public. ");
  await follower.reached(8);

  await server.command("ACL", "SETUSER", "default", "-publish");
  source.push(SECRET);
  await until(() => expect(errors.map(({ code }) => code)).toContain("TRANSPORT_UNAVAILABLE"));
  expect(inspect(errors, { depth: 10 })).not.toContain("secret");
  await server.command("ACL", "SETUSER", "default", "+publish");
  source.end();
  await primary.ended;
  await follower.ended;
});
