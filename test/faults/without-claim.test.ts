// Rows: the store is away while a text is streamed, and back while its id has another: the two are never joined (G14).

import { Redis } from "ioredis";
import { expect, inject, onTestFinished, test } from "vitest";
import { createResumableStreamContext as overAny } from "../../src/generic.ts";
import { streamResponse } from "../../src/http.ts";
import { createResumableStreamContext, generationOf } from "../../src/redis.ts";
import { freshKeyPrefix } from "../../src/testing/contract.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createGenericPair } from "../support/clients.ts";
import { RedisServer } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

type Server = Pick<RedisServer, "url">;

async function open({ url }: Server) {
  const clients = [new Redis(url), new Redis(url)] as const;
  const context = createResumableStreamContext({
    waitUntil: null,
    publisher: clients[0],
    subscriber: clients[1],
    claimTimeoutMs: 300,
    ackTimeoutMs: 300,
    onError: () => undefined,
  });
  onTestFinished(async () => {
    await context.close();
    for (const client of clients) client.disconnect();
  });
  await context.hasExistingStream("other");
  return context;
}

/** A text that runs without a claim, and where its reader is after `text`. */
async function answerAlone(server: RedisServer, context: Awaited<ReturnType<typeof open>>) {
  server.pause();
  const source = manualSource();
  const stream = await context.createNewResumableStream("x", source.makeStream);
  expect(stream && generationOf(stream)).toBeUndefined();
  const { body, headers } = streamResponse(stream, { format: "text" });
  const mark = headers.get("stream-generation") ?? "";
  const reading = read(body?.pipeThrough(new TextDecoderStream()));
  source.push("before");
  await reading.reached(6);
  return { source, reading, mark, position: `6.${mark}` };
}

test("a position in it gets nothing of the next answer, and a stop of it stops nothing", async () => {
  await using server = await RedisServer.start();
  const first = await open(server);
  const second = await open(server);
  const { mark, position } = await answerAlone(server, first);
  server.resume();
  const next = manualSource();
  await until(() => second.hasExistingStream("other").then(() => true), { what: "the server" });
  const stream = await second.createNewResumableStream("x", next.makeStream);
  next.push("another text");
  expect(await second.resumeExistingStream("x", position)).toBeUndefined();
  expect(await second.stopStream("x", { generation: mark })).toBe(false);
  next.end();
  await expectClosed(read(stream), "another text");
});

test("its own process goes on with it, also once its claim is answered late", async () => {
  await using server = await RedisServer.start();
  const context = await open(server);
  const { source, reading, position } = await answerAlone(server, context);
  const early = read(await context.resumeExistingStream("x", position));
  server.resume();
  const stream = await until(
    async () => {
      const given = await context.resumeExistingStream("x", position);
      if (given && generationOf(given) !== undefined) return given;
      await given?.cancel();
      return undefined;
    },
    { what: "the claim" },
  );
  const late = read(stream);
  source.push(" after");
  source.end();
  await expectClosed(reading, "before after");
  for (const each of [early, late]) await expectClosed(each, " after");
});

test.each(["", ", once its claim is answered late"])(
  "its own process stops it by that mark%s",
  async (when) => {
    await using server = await RedisServer.start();
    const context = await open(server);
    const { reading, mark, position } = await answerAlone(server, context);
    if (when) {
      server.resume();
      const isClaimed = async (): Promise<boolean> => {
        const given = await context.resumeExistingStream("x", position);
        await given?.cancel();
        return given ? generationOf(given) !== undefined : false;
      };
      await until(isClaimed, { what: "the claim" });
    }
    expect(await context.stopStream("x", { generation: mark })).toBe(true);
    await expectClosed(reading, "before");
    server.resume();
  },
);

test("an answer of version 2 that has ended since isn't the end of it", async () => {
  await using server = await RedisServer.start();
  const [first, second] = [await open(server), await open(server)];
  const { position } = await answerAlone(server, first);
  server.resume();
  await server.command("SET", "resumable-stream:rs:sentinel:x", "DONE");
  expect(await second.resumeExistingStream("x", position)).toBeUndefined();
  await expect(second.resumableStream("x", () => new ReadableStream(), position)).rejects.toMatchObject({
    code: "PRODUCER_LOST",
  });
});

test("a claim by INCR that was never named is freed, and has no text that an app is owed", async () => {
  const clients = await createGenericPair("redis-6", inject("redisUrl"));
  const keyPrefix = freshKeyPrefix();
  const ends: string[] = [];
  const context = overAny({
    ...clients,
    waitUntil: null,
    keyPrefix,
    ackTimeoutMs: 300,
    onEnd: ({ end, text }) => void ends.push(`${end}: ${text}`),
  });
  onTestFinished(async () => {
    await context.close();
    clients.close();
  });
  // As one whose answer was lost with its connection leaves it, or one of version 2.
  await clients.publisher.incr(`${keyPrefix}:rs:sentinel:x`);
  const source = manualSource();
  const reading = read(await context.resumableStream("x", source.makeStream));
  source.push("text");
  source.end();
  await expectClosed(reading, "text");
  expect(ends).toEqual(["done: text"]);
});
