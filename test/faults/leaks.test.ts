// Row: 60 streams with followers that come and leave. Nothing of them may stay, in Redis or in the process.

import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { createClients, FAULT_CLIENTS } from "../support/clients.ts";
import { openContext, type OpenedContext } from "../support/contexts.ts";
import { isEmitter } from "../support/emitter.ts";
import { Reading } from "../support/reading.ts";
import { RedisServer } from "../support/redis-server.ts";
import { SpecifiedSource, sourceText, type SourceSpec } from "../support/source.ts";
import { until } from "../support/wait.ts";

describe.each(FAULT_CLIENTS)("leaks, over %s", (kind) => {
  it(
    "60 streams with followers that come and leave: no channel, timer, listener or lasting key stays (G7, G8)",
    { timeout: 90_000 },
    async () => {
      await using redis = await RedisServer.start();
      await using producing = await openContext({ clients: kind, url: redis.url });
      await using following = await openContext({ clients: kind, url: redis.url });
      // The first stream connects the clients, and adds what a context keeps for its life.
      await comeAndLeave(producing, following, "first");
      await forgotten(redis, producing, following);
      const before = residue(producing, following);

      for (let batch = 0; batch < 6; batch += 1) {
        await Promise.all(
          Array.from({ length: 10 }, (_, index) => comeAndLeave(producing, following, `${batch}-${index}`)),
        );
      }
      await forgotten(redis, producing, following);
      // Timers that were cleared a moment ago leave the list on the next turn of the loop.
      // Those of the test runner itself are counted, too, and may have been there before.
      const isGone = (): boolean => {
        const { timers, listeners } = residue(producing, following);
        return timers <= before.timers && isDeepStrictEqual(listeners, before.listeners);
      };
      await until(isGone, { what: "the last timer to go", withinMs: 30_000 });
      expect(await redis.keysWithoutExpiry()).toEqual([]);
      expect([...producing.errors, ...following.errors]).toEqual([]);

      await Promise.all([producing.context.close(), following.context.close()]);
      expect(await redis.pubsubChannels()).toEqual([]);
      expect(residue(producing, following).timers).toBeLessThanOrEqual(before.timers);
    },
  );

  it("closed contexts leave nothing on the clients they were given but an error listener (G7)", async () => {
    await using redis = await RedisServer.start();
    await using producing = await openContext({ clients: kind, url: redis.url });
    await using following = await openContext({ clients: kind, url: redis.url });
    await comeAndLeave(producing, following, "s");
    await Promise.all([producing.context.close(), following.context.close()]);

    const untouched = await createClients(kind, redis.url);
    const before = listenerCounts([{ clients: untouched }, { clients: untouched }]);
    untouched.close();
    const { error: _listener, ...after } = listenerCounts([producing, following]);
    expect(after).toEqual(before);
    expect(await redis.pubsubChannels()).toEqual([]);
  });
});

/** A stream with three followers: one reads to the end, one leaves in the middle, one at once. */
async function comeAndLeave(
  producing: OpenedContext,
  following: OpenedContext,
  label: string,
): Promise<void> {
  const spec: SourceSpec = { label, chunks: 30, everyMs: 5, holdAfter: 20 };
  const source = new SpecifiedSource(spec);
  const primary = reading(await producing.context.resumableStream(label, source.make));
  const [stays, leavesLater, leavesAtOnce] = await Promise.all(
    [0, 1, 2].map(async () => reading(await following.context.resumeExistingStream(label))),
  );
  await leavesAtOnce?.leave();
  await leavesLater?.reached(60);
  await leavesLater?.leave();
  source.release();
  expect(await stays?.ended).toEqual({ kind: "clean" });
  expect(stays?.text).toBe(sourceText(spec));
  expect(await primary.ended).toEqual({ kind: "clean" });
}

function reading(stream: ReadableStream<string> | null | undefined): Reading {
  if (!stream) throw new Error("There is no stream");
  return new Reading(stream);
}

/** Waits until both contexts are done with their streams. */
async function forgotten(redis: RedisServer, ...contexts: OpenedContext[]): Promise<void> {
  const settled = (): boolean => contexts.every(({ waitUntil }) => waitUntil.given === waitUntil.settled);
  await until(settled, { what: "promises given to waitUntil", withinMs: 15_000 });
  await until(async () => (await redis.pubsubChannels()).length === 0, {
    what: "the last channel to be left",
  });
}

interface Residue {
  timers: number;
  listeners: Record<string, number>;
}

function residue(...contexts: OpenedContext[]): Residue {
  const timers = process
    .getActiveResourcesInfo()
    .filter((kind) => kind === "Timeout" || kind === "Immediate").length;
  return { timers, listeners: listenerCounts(contexts) };
}

function listenerCounts(contexts: Pick<OpenedContext, "clients">[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { clients } of contexts) {
    for (const client of [clients?.publisher, clients?.subscriber]) {
      if (!isEmitter(client)) throw new TypeError("These clients are expected to be event emitters");
      for (const name of client.eventNames()) {
        counts[String(name)] = (counts[String(name)] ?? 0) + client.listenerCount(name);
      }
    }
  }
  return counts;
}
