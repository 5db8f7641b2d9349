// A user whose access list has the commands that the page for Redis names, and the records without the keys beside them.

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { expect, test } from "vitest";
import {
  createResumableStreamContext,
  generationOf,
  type ResumableStreamContext,
} from "../../../src/redis.ts";
import { manualSource, sourceOf } from "../../../src/testing/manual-source.ts";
import { readWhole, until } from "../../../src/testing/reading.ts";
import { RedisServer } from "../../support/redis-server.ts";

interface Opened {
  context: ResumableStreamContext;
  errors: string[];
  close: () => Promise<void>;
}

function ioredisPair(url: string) {
  const [publisher, subscriber] = [new Redis(url), new Redis(url)];
  return {
    publisher,
    subscriber,
    disconnect: () => {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}

function nodeRedisPair(url: string) {
  const [publisher, subscriber] = [createClient({ url }), createClient({ url })];
  return {
    publisher,
    subscriber,
    disconnect: () => {
      publisher.destroy();
      subscriber.destroy();
    },
  };
}

/** The relay's, as `+command` each. */
async function documentedCommands(): Promise<string[]> {
  const page = await readFile(new URL("../../../docs/transports/redis.md", import.meta.url), "utf8");
  const [, list = ""] = /^- commands: ([^;]+);$/m.exec(page) ?? [];
  return [...list.matchAll(/`(\w+)`/g)].map(([, command = ""]) => `+${command.toLowerCase()}`);
}

async function open(
  server: RedisServer,
  library: "node-redis" | "ioredis",
  retentionSeconds = 86_400,
): Promise<Opened> {
  const commands = await documentedCommands();
  const acl = ["~resumable-stream:rs:sentinel:*", "&resumable-stream:rs:*", ...commands];
  await server.command("ACL", "SETUSER", "app", "on", ">secret", ...acl);
  const url = Object.assign(new URL(server.url), { username: "app", password: "secret" }).href;
  const { publisher, subscriber, disconnect } = library === "ioredis" ? ioredisPair(url) : nodeRedisPair(url);
  const errors: string[] = [];
  const context = createResumableStreamContext({
    publisher,
    subscriber,
    waitUntil: null,
    retentionSeconds,
    onError: (error) => errors.push(error.message),
  });
  const close = async (): Promise<void> => {
    await context.close();
    disconnect();
  };
  return { context, errors, close };
}

test.each(["node-redis", "ioredis"] as const)(
  "over %s, a stream ends without the key that tells how, and comes back done",
  async (library) => {
    await using server = await RedisServer.start();
    const { context, errors, close } = await open(server, library);
    const stream = await context.createNewResumableStream("chat", sourceOf(["text"]));
    const mark = stream && generationOf(stream);
    expect(await readWhole(stream)).toBe("text");
    await until(async () => expect(await context.hasExistingStream("chat")).toBe("DONE"));
    expect(await context.lastEnd("chat")).toBeNull();
    expect(await context.resumeExistingStream("chat", `4.${mark}`)).toBeNull();
    expect(errors).toEqual([]);
    await close();
  },
);

test("with the documented commands, the record of a stream that runs is renewed", async () => {
  await using server = await RedisServer.start();
  const { context, errors, close } = await open(server, "ioredis", 1);
  const source = manualSource();
  const stream = await context.createNewResumableStream("chat", source.makeStream);
  await sleep(1_800);
  expect(await server.command("EXISTS", "resumable-stream:rs:sentinel:chat")).toBe(1);
  source.end();
  expect(await readWhole(stream)).toBe("");
  expect(errors).toEqual([]);
  await close();
});
