// Row: the end is written while the subscribers of its producer and its follower are away, and the follower's is back first.

import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { createResumableStreamContext } from "../../src/ioredis.ts";
import type { ResumableStreamContext } from "../../src/api/types.ts";
import { TcpProxy } from "../support/proxy.ts";
import { Reading } from "../support/reading.ts";
import { RedisServer } from "../support/redis-server.ts";
import { SpecifiedSource, sourceText } from "../support/source.ts";
import { until } from "../support/wait.ts";

interface Party extends AsyncDisposable {
  context: ResumableStreamContext;
  /** Before its subscriber alone. */
  proxy: TcpProxy;
}

async function join(redis: RedisServer): Promise<Party> {
  const proxy = await TcpProxy.start(redis.port);
  const connect = (url: string): Redis =>
    new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null }).on("error", () => undefined);
  const [publisher, subscriber] = [connect(redis.url), connect(proxy.url)];
  const options = { waitUntil: null, onError: () => undefined, publisher, subscriber };
  return {
    context: createResumableStreamContext(options),
    proxy,
    [Symbol.asyncDispose]: async () => {
      publisher.disconnect();
      subscriber.disconnect();
      await proxy.stop();
    },
  };
}

it("isn't lost to its follower, which gets the whole text (G1, G4)", async () => {
  await using redis = await RedisServer.start();
  await using producing = await join(redis);
  await using following = await join(redis);
  const source = new SpecifiedSource({ label: "x", chunks: 20, everyMs: 1, holdAfter: 10 });
  const original = await producing.context.resumableStream("x", source.make);
  const stream = await following.context.resumeExistingStream("x");
  if (!original || !stream) throw new Error("Both have a stream");
  const reading = new Reading(stream);
  await until(() => reading.text.length > 0, { what: "the follower to have text" });

  await producing.proxy.refuse();
  await following.proxy.refuse();
  source.release();
  await until(async () => (await producing.context.hasExistingStream("x")) === "DONE", {
    what: "the end to be written",
  });
  const asked = async (): Promise<number> => (await redis.commandCounts())["publish"] ?? 0;
  const before = await asked();
  await following.proxy.accept();
  await until(async () => (await asked()) > before + 4 || reading.end, {
    what: "the follower to ask, and nobody to hear",
  });
  expect(reading.end).toBe(undefined);
  await producing.proxy.accept();

  expect(await reading.ended).toEqual({ kind: "clean" });
  expect(reading.text).toBe(sourceText(source.spec));
});
