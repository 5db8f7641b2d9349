// Connections that are open and of no use: forgotten on the way, of a machine that is gone, or cut before an answer.

import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as overIoredis from "../../src/ioredis.ts";
import * as overNodeRedis from "../../src/redis.ts";
import type { ResumableStreamContext } from "../../src/api/types.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { TcpProxy } from "../support/proxy.ts";
import { RedisServer } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const libraries = {
  "node-redis": {
    create: overNodeRedis.createResumableStreamContext,
    client: (url: string) => {
      const client = createClient({ url });
      client.on("error", () => undefined);
      return { client, close: () => client.destroy() };
    },
  },
  ioredis: {
    create: overIoredis.createResumableStreamContext,
    client: (url: string) => {
      const client = new Redis(url);
      client.on("error", () => undefined);
      return { client, close: () => client.disconnect() };
    },
  },
};

describe.each(["node-redis", "ioredis"] as const)("over %s", (name) => {
  const { create, client } = libraries[name];
  let server: RedisServer;
  let proxy: TcpProxy;
  let errors: string[];
  let undo: (() => unknown)[];

  beforeEach(async () => {
    server = await RedisServer.start();
    proxy = await TcpProxy.start(server.port);
    errors = [];
    undo = [];
  });

  afterEach(async () => {
    for (const act of undo.toReversed()) await act();
    await proxy.stop();
    await server.stop();
  });

  function over(url: string): ResumableStreamContext {
    const [publisher, subscriber] = [client(url), client(url)];
    const context = create({
      waitUntil: null,
      publisher: publisher.client,
      subscriber: subscriber.client,
      onError: ({ code }) => errors.push(code),
    });
    undo.push(publisher.close, subscriber.close, () => context.close());
    return context;
  }

  function overOwnClients(url: string): ResumableStreamContext {
    process.env["REDIS_URL"] = url;
    const context = create({ waitUntil: null, onError: ({ code }) => errors.push(code) });
    undo.push(
      () => delete process.env["REDIS_URL"],
      () => context.close(),
    );
    return context;
  }

  it("clients of our own that were forgotten on the way are made anew, for streams and for followers (G16)", async () => {
    const [own, other] = [overOwnClients(proxy.url), over(server.url)];
    const running = manualSource();
    await other.createNewResumableStream("before", running.makeStream);
    const following = read(await own.resumeExistingStream("before"));
    running.push("heard ");
    await following.reached(6);

    proxy.blackHole();
    proxy.forget();
    // What listens is asked by a ping; what sends is silent at the next command.
    running.push("missed ");
    await following.reached(13);
    const source = manualSource();
    await own.createNewResumableStream("after", source.makeStream);
    source.push("text");
    const followed = read(await until(() => other.resumeExistingStream("after"), { what: "a stream" }));
    await followed.reached(4);
    expect([following.text(), followed.text()]).toEqual(["heard missed ", "text"]);
  });

  it("a producer whose machine is gone counts for none, though its subscription is counted (G4)", async () => {
    const [gone, asking] = [over(proxy.url), over(server.url)];
    const source = manualSource();
    const stream = read(await gone.resumableStream("x", source.makeStream));
    source.push("text");
    await stream.reached(4);
    expect(await asking.hasExistingStream("x")).toBe(true);
    proxy.blackHole();
    await until(async () => (await asking.hasExistingStream("x")) === null, {
      what: "the stream to be gone",
      withinMs: 8_000,
    });
  });

  it("an access list that takes the channels away for a while ends no process, and loses no text (G1, G7)", async () => {
    const [producing, asking] = [over(server.url), over(server.url)];
    const source = manualSource();
    await producing.createNewResumableStream("x", source.makeStream);
    const reading = read(await asking.resumeExistingStream("x"));
    source.push("before ");
    await reading.reached(7);
    const refusals = async (): Promise<number> =>
      Number(
        /rejected_calls=(\d+)/.exec(
          String(await server.command("INFO", "commandstats")).split("cmdstat_subscribe")[1] ?? "",
        )?.[1] ?? 0,
      );
    await server.command("ACL", "SETUSER", "default", "resetchannels");
    await until(async () => (await refusals()) > 3, { what: "both to be refused, and refused again" });
    await server.command("ACL", "SETUSER", "default", "allchannels");
    source.push("after");
    source.end();
    await expectClosed(reading, "before after");
  });

  it.each([
    { call: "resumableStream", how: "cut" },
    { call: "resumableStream", how: "reset" },
    { call: "createNewResumableStream", how: "cut" },
    { call: "createNewResumableStream", how: "reset" },
  ] as const)(
    "$call whose claim was taken and whose answer was lost, $how, has its stream at once (G3)",
    async ({ call, how }) => {
      const [cut, other] = [over(proxy.url), over(server.url)];
      await cut.hasExistingStream("warm");
      proxy.cutEachAfter(() => Infinity);
      proxy.blackHole("answers");
      const source = manualSource();
      const asked = cut[call]("x", source.makeStream);
      await until(async () => (await server.command("EXISTS", "resumable-stream:rs:sentinel:x")) === 1, {
        what: "the claim to be written",
      });
      proxy.forget();
      proxy[how]();
      const startedAt = performance.now();
      const stream = read(await asked);
      expect(performance.now() - startedAt).toBeLessThan(1_500);
      source.push("text");
      await stream.reached(4);
      expect(source.calls()).toBe(1);
      const followed = read(await other.resumeExistingStream("x"));
      await followed.reached(4);
    },
  );
});
