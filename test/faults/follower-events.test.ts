// Row: a call learns that there is nothing to follow. Metrics count followers by `following` and `ended`.

import { describe, expect, it } from "vitest";
import { createClients, FAULT_CLIENTS } from "../support/clients.ts";
import {
  createResumableStreamContext,
  type ResumableStreamContext,
  type StreamEvent,
} from "../../src/redis.ts";
import { sourceOf } from "../../src/testing/manual-source.ts";
import { readWhole } from "../../src/testing/reading.ts";
import { RedisServer } from "../support/redis-server.ts";

/** A context beside the record of a producer that died without a word. */
async function openBeside(
  clients: (typeof FAULT_CLIENTS)[number],
  redis: RedisServer,
): Promise<{ context: ResumableStreamContext; events: StreamEvent[]; close: () => Promise<void> }> {
  await redis.command("SET", "resumable-stream:rs:sentinel:dead", "e1000");
  const events: StreamEvent[] = [];
  const { close, ...pair } = await createClients(clients, redis.url);
  const context = createResumableStreamContext({
    ...pair,
    waitUntil: null,
    ackTimeoutMs: 300,
    onError: () => undefined,
    onEvent: (event) => events.push(event),
  });
  return {
    context,
    events,
    close: async () => {
      await context.close();
      close();
    },
  };
}

describe.concurrent.each(FAULT_CLIENTS)("a dead producer's record, over %s", (clients) => {
  it("ten calls that resume it follow nothing, and no event says that they did", async () => {
    await using redis = await RedisServer.start();
    const { context, events, close } = await openBeside(clients, redis);
    const calls = Array.from({ length: 10 }, () => context.resumeExistingStream("dead"));
    expect(await Promise.all(calls)).toEqual(Array(10).fill(undefined));
    expect(events).toEqual([]);
    await close();
  });

  it("a call that produces over it is told of as a producer alone", async () => {
    await using redis = await RedisServer.start();
    const { context, events, close } = await openBeside(clients, redis);
    await readWhole(context.resumableStream("dead", sourceOf(["text"])));
    expect(events.map((event) => [event.type, "role" in event && event.role])).toEqual([
      ["producing", false],
      ["ended", "producer"],
    ]);
    await close();
  });
});
