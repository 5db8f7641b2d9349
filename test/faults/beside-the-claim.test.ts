// Rows: the store is slow or away while `createNewResumableStream` claims, and its source runs beside that.

import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import type { CommonOptions } from "../../src/api/common-options.ts";
import type { DurableStreamContext } from "../../src/api/types.ts";
import { createTransportContext } from "../../src/contexts/transport.ts";
import { createResumableStreamContext } from "../../src/redis.ts";
import { type ManualSource, manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, expectErrored, read } from "../../src/testing/reading.ts";
import { RedisServer } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const kinds = [
  ["the relay", false],
  ["the log", true],
] as const;

interface Opened {
  server: RedisServer;
  context: Pick<
    DurableStreamContext,
    "createNewResumableStream" | "resumeExistingStream" | "hasExistingStream" | "close"
  >;
}

async function open(keepText: boolean, options: Partial<CommonOptions> = {}): Promise<Opened> {
  const server = await RedisServer.start();
  const clients = [new Redis(server.url), new Redis(server.url)] as const;
  const [publisher, subscriber] = clients;
  const context = createResumableStreamContext({
    keepText,
    waitUntil: null,
    publisher,
    subscriber,
    onError: () => undefined,
    ...options,
  });
  onTestFinished(async () => {
    server.resume();
    await context.close();
    for (const client of clients) client.disconnect();
    await server.stop();
  });
  // Both clients are connected: from here on a pause is all that is slow.
  await context.hasExistingStream("other");
  return { server, context };
}

const opened = (source: ManualSource): Promise<true> =>
  until(() => source.calls() === 1, { what: "its source to be opened" });

test.each(kinds)(
  "over %s, the source doesn't wait for the claim, and nothing it gave is lost",
  async (_, keepText) => {
    const { context, server } = await open(keepText);
    server.pause();
    const source = manualSource();
    const creating = context.createNewResumableStream("s", source.makeStream);
    await opened(source);
    source.push("so ", "far ");
    server.resume();
    const reading = read(await creating);
    const other = await context.resumeExistingStream("s");
    source.push("so good");
    source.end();
    for (const each of [reading, read(other)]) await expectClosed(each, "so far so good");
    expect(await context.hasExistingStream("s")).toBe("DONE");
  },
);

test.each(kinds)(
  "over %s, a source that fails before its claim is answered gave what it gave",
  async (_, keepText) => {
    const { context, server } = await open(keepText);
    server.pause();
    const source = manualSource();
    const creating = context.createNewResumableStream("s", source.makeStream);
    await opened(source);
    source.push("text");
    source.fail(new Error("the model is gone"));
    server.resume();
    await expectErrored(read(await creating), { text: "text", code: "SOURCE_FAILED" });
  },
);

test.each(kinds)("over %s, a context that closes meanwhile leaves no source running", async (_, keepText) => {
  const { context, server } = await open(keepText);
  server.pause();
  const source = manualSource();
  const creating = context.createNewResumableStream("s", source.makeStream);
  await opened(source);
  const closing = context.close();
  server.resume();
  await expect(creating).rejects.toMatchObject({ code: "CLOSED" });
  await source.cancelled;
  expect(source.signal().aborted).toBe(true);
  await closing;
});

test("a claim that fails for a mistake of the set-up has its source cancelled", async () => {
  const mistake = new TypeError("not like this");
  const refuse = (): Promise<never> => Promise.reject(mistake);
  const context = createTransportContext({
    transport: () => ({
      keepsText: false,
      claim: refuse,
      status: refuse,
      peek: refuse,
      watch: () => ({ ready: refuse(), close: () => undefined }),
      read: refuse,
      stop: refuse,
      close: async () => undefined,
    }),
    waitUntil: null,
  });
  const source = manualSource();
  await expect(context.createNewResumableStream("s", source.makeStream)).rejects.toBe(mistake);
  expect(await source.cancelled).toBe(mistake);
  expect(source.signal().aborted).toBe(true);
});

test.each(kinds)(
  'over %s, with whenUnavailable "throw" the source waits for its claim',
  async (_, keepText) => {
    const { context, server } = await open(keepText, { claimTimeoutMs: 300, whenUnavailable: "throw" });
    server.pause();
    const source = manualSource();
    await expect(context.createNewResumableStream("s", source.makeStream)).rejects.toMatchObject({
      code: "TRANSPORT_UNAVAILABLE",
    });
    expect(source.calls()).toBe(0);
  },
);
