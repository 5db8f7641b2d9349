// What a log's store over Redis does while one key, its listening connection or a right is missing.

import { randomUUID } from "node:crypto";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { Redis } from "ioredis";
import { connectLog } from "../../../src/contexts/redis-log.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import type { ResumableStreamError } from "../../../src/port/errors.ts";
import type { LogConnection } from "../../../src/transports/redis-log/connection.ts";
import type { Claimed } from "../../../src/transports/log/store.ts";
import { toPieces } from "../../../src/transports/log/pieces.ts";
import { RedisStore } from "../../../src/transports/redis-log/store.ts";
import { RedisAdmin } from "../../support/redis-admin.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { TcpProxy } from "../../support/proxy.ts";
import { until, within } from "../../support/wait.ts";

interface Opened {
  store: RedisStore;
  connection: LogConnection;
  errors: ResumableStreamError[];
}

interface Asked {
  send?: LogConnection["send"];
  keyPrefix?: string | undefined;
  leaseMs?: number;
}

function open(
  urls: { publisher: string; subscriber: string },
  { send, keyPrefix = randomUUID(), leaseMs = 10_000 }: Asked = {},
): Opened {
  const [publisher, subscriber] = [new Redis(urls.publisher), new Redis(urls.subscriber)];
  onTestFinished(() => {
    for (const client of [publisher, subscriber]) client.disconnect();
  });
  const connection = connectLog({ publisher, subscriber });
  const errors: ResumableStreamError[] = [];
  const store = new RedisStore({
    connection: { ...connection, ...(send && { send }) },
    keyPrefix,
    retentionSeconds: 60,
    leaseMs,
    requestTimeoutMs: 1_000,
    clock: systemClock,
    name: randomUUID(),
    onError: (error) => void errors.push(error),
  });
  store.start({
    asked: () => undefined,
    followed: () => undefined,
    reconnected: () => undefined,
    paceChanged: () => undefined,
  });
  return { store, connection, errors };
}

async function claim(store: RedisStore, streamId: string): Promise<string> {
  const key = store.keyOf(streamId);
  await supersede(store, key);
  return key;
}

async function supersede(store: RedisStore, key: string): Promise<Claimed> {
  const ask = { mode: "supersede", handovers: null, isOwedGivenUp: true } as const;
  const claimed = await store.claim(key, ask, () => undefined);
  if (!claimed) throw new Error("a claim that takes whatever there is wasn't won");
  return claimed;
}

/** A text of entries alone. */
async function write(store: RedisStore, key: string, how: { text: string; end?: "done" }): Promise<Claimed> {
  const claimed = await supersede(store, key);
  const { text, end } = how;
  const pieces = toPieces(0, text);
  await store.append([{ key, claimed, pieces, from: 0, tail: text.length, end, owed: null }]);
  return claimed;
}

describe("a store over Redis", () => {
  const url = inject("redisUrl");
  const urls = { publisher: url, subscriber: url };

  test("one stream whose node is away doesn't keep the others from being looked at", async () => {
    const { connection, store } = open(urls);
    const [well, sick] = [await claim(store, "well"), await claim(store, "sick")];
    const send: LogConnection["send"] = (words, key) =>
      key === sick ? Promise.reject(new Error("CLUSTERDOWN for now")) : connection.send(words, key);
    const partly = open(urls, { send });
    expect(await partly.store.check([sick, well])).toEqual([
      undefined,
      expect.objectContaining({ status: "running" }),
    ]);
    await expect(partly.store.check([sick])).rejects.toThrow(/CLUSTERDOWN/);
  });

  test.each([undefined, "done"] as const)(
    "a text that is superseded after its record was read (its end: %s) is not taken for a hole, nor for the next one",
    async (end) => {
      const { connection, store } = open(urls);
      const key = store.keyOf("superseded");
      const old = "old ".repeat(20_000);
      const { epoch } = await write(store, key, { text: old, ...(end && { end }) });
      let next: Claimed | undefined;
      const send: LogConnection["send"] = async (words, at) => {
        if (words[0] === "XRANGE") next ??= await supersede(store, key);
        return connection.send(words, at);
      };
      const late = open(urls, { send, keyPrefix: key.split(":rs:")[0] });
      const request = { key, epoch, from: 0, maxUnits: 100, isBound: true };
      // Its end is known from here on, and no record is read for what follows.
      expect(await store.read(request)).toMatchObject({ record: { epoch }, text: old.slice(0, 16_300) });
      const page = await late.store.read(request);
      expect(next?.epoch).toBeGreaterThan(epoch);
      expect(page).toMatchObject({ record: { epoch: next?.epoch, tail: 0 }, text: "" });
      expect(await store.read(request)).toMatchObject({ record: { epoch: next?.epoch, tail: 0 }, text: "" });
    },
  );

  test("it closes within its deadline while its listening connection is silent, and tells of it", async () => {
    await using proxy = await TcpProxy.start(Number(new URL(url).port));
    const { errors, store } = open({ publisher: url, subscriber: proxy.url });
    let heard = 0;
    const ear = store.listen(await claim(store, "s"), () => void (heard += 1));
    await until(() => heard > 0, { what: "the subscription" });
    proxy.blackHole();
    ear.close();
    await within(3_000, "the store to close", store.close());
    expect(errors.map(({ code }) => code)).toEqual(["TRANSPORT_UNAVAILABLE"]);
  });

  test("after a restart producers have the time that their clients may take, however short a lease is", async () => {
    await using redis = await RedisServer.start({ keep: "disk" });
    const own = { publisher: redis.url, subscriber: redis.url };
    const { connection, store } = open(own, { leaseMs: 100 });
    const key = await claim(store, "s");
    await until(async () => (await store.look(key))?.status === "lapsed", { what: "the end of its lease" });
    expect(connection.outages.isSettling).toBe(false);
    let attempts = 0;
    connection.onError(() => void (attempts += 1));
    await redis.kill();
    // Longer than half a lease: its client waits 50 ms more each time.
    await until(() => attempts > 2, { what: "its attempts to connect" });
    await redis.restart();
    // The server tells whole seconds.
    const isOlder = async (): Promise<boolean> =>
      /uptime_in_seconds:[1-9]/.test(String(await redis.command("INFO", "server")));
    await until(isOlder, { what: "its first second" });
    // One who wasn't there before can't know of the restart: the server tells.
    expect(await open(own, { leaseMs: 100 }).store.look(key)).toMatchObject({ status: "running" });
    // One who was idle meanwhile knows it by its connection.
    await until(() => connection.outages.isSettling, { what: "its connection" });
  });

  test("a user that may not subscribe is told so once, however many streams it follows", async () => {
    const admin = new RedisAdmin(url);
    const [user, password] = [`user-${randomUUID()}`, randomUUID()];
    await admin.command("ACL", "SETUSER", user, "on", `>${password}`, "~*", "+@all", "resetchannels");
    onTestFinished(async () => {
      await admin.command("ACL", "DELUSER", user);
      admin.disconnect();
    });
    const denied = new URL(url);
    [denied.username, denied.password] = [user, password];
    const { errors, store } = open({ publisher: url, subscriber: denied.href });
    const ears = ["a", "b"].map((id) => store.listen(store.keyOf(id), () => undefined));
    await until(() => errors.length > 0, { what: "the refusal to be told" });
    for (const ear of ears) ear.close();
    await store.close();
    expect(errors.map(({ message }) => /NOPERM/.test(message))).toEqual([true]);
  });
});
