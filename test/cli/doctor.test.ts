// `resumable-stream doctor`: what is wrong with a server is found, and the advice says what to do.

import { randomUUID } from "node:crypto";
import { expect, inject, test } from "vitest";
import { compareClocks } from "../../src/cli/doctor/check.ts";
import { OLDER_TABLES } from "../support/older-schema.ts";
import { Pooler } from "../support/pooler.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { TcpProxy } from "../support/proxy.ts";
import { RedisServer } from "../support/redis-server.ts";
import { run, values } from "./run.ts";

/** A matcher, whose own type says nothing. */
const containing = (text: string): unknown => expect.stringContaining(text);

interface Examined {
  code: number;
  /** By the check's name. */
  findings: Map<unknown, Record<string, unknown>>;
  /** Names of the checks that aren't ok. */
  wrong: unknown[];
  text: string;
}

async function examine(url: string, args: string[] = []): Promise<Examined> {
  const outcome = await run(["doctor", "--json", "--url", url, ...args]);
  expect(outcome.stderr).toBe("");
  const all = values(outcome);
  const findings = new Map(all.map((finding) => [finding["check"], finding]));
  const wrong = all.filter(({ status }) => status !== "ok").map(({ check }) => check);
  return { code: outcome.code, findings, wrong, text: outcome.stdout };
}

const redisChecks = [
  "connect",
  "version",
  "records",
  "pub/sub",
  "pages",
  "keepText",
  "output buffers",
  "eviction",
  "persistence",
  "clocks",
  "a stream",
];
const postgresChecks = [
  "connect",
  "version",
  "writable",
  "encoding",
  "belonging",
  "schema",
  "guests",
  "listen",
  "cleanup",
  "clocks",
  "a stream",
];

test("a Redis as it comes is fine, and doctor leaves nothing on it", async () => {
  await using server = await RedisServer.start();
  const { code, findings, wrong } = await examine(server.url);
  expect(wrong).toEqual([]);
  expect([...findings.keys()]).toEqual(redisChecks);
  expect(code).toBe(0);
  expect(await server.keys()).toEqual([]);
  expect(await server.pubsubChannels()).toEqual([]);
});

test("a Redis that evicts is found", async () => {
  await using server = await RedisServer.start();
  await server.command("CONFIG", "SET", "maxmemory-policy", "volatile-lru");
  const unlimited = await examine(server.url);
  expect(unlimited.findings.get("eviction")).toMatchObject({ status: "warning" });
  expect(unlimited.code).toBe(0);
  await server.command("CONFIG", "SET", "maxmemory", "100mb");
  const limited = await examine(server.url);
  expect(limited.wrong).toEqual(["eviction"]);
  expect(limited.findings.get("eviction")).toMatchObject({
    status: "failed",
    advice: containing("CONFIG SET maxmemory-policy noeviction"),
  });
  expect(limited.code).toBe(1);
});

test("output buffers too small for a page are found, by the setting and by a page", async () => {
  await using server = await RedisServer.start();
  await server.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 100000 50000 60");
  const { code, wrong, findings } = await examine(server.url);
  expect(wrong).toEqual(["pages", "output buffers"]);
  expect(findings.get("output buffers")?.["advice"]).toContain("CONFIG SET client-output-buffer-limit");
  expect(code).toBe(1);
});

test("buffers that a page fits, and what is in flight doesn't quite, are a warning", async () => {
  await using server = await RedisServer.start();
  await server.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 4mb 2mb 60");
  const { code, findings } = await examine(server.url);
  expect(findings.get("output buffers")).toMatchObject({ status: "warning" });
  expect(code).toBe(0);
});

test("a user without the rights is told which it lacks", async () => {
  await using server = await RedisServer.start();
  const acl = ["ACL", "SETUSER", "app", "on", ">secret", "~app:rs:*", "+@all"];
  await server.command(...acl, "resetchannels");
  const url = server.url.replace("redis://", "redis://app:secret@");
  const noChannels = await examine(url, ["--key-prefix", "app"]);
  expect(noChannels.findings.get("pub/sub")).toMatchObject({
    status: "failed",
    found: containing("NOPERM"),
  });
  expect(noChannels.findings.get("pub/sub")?.["advice"]).toContain("+@pubsub");
  expect(noChannels.text).not.toContain("secret");
  await server.command(...acl, "&app:rs:*", "-config", "-info");
  const noConfig = await examine(url, ["--key-prefix", "app"]);
  expect(noConfig.findings.get("output buffers")).toMatchObject({ status: "skipped" });
  expect(noConfig.findings.get("eviction")).toMatchObject({ status: "skipped" });
  const otherPrefix = await examine(url);
  expect(otherPrefix.findings.get("records")).toMatchObject({ status: "failed" });
});

test("a replica is told from a primary", async () => {
  await using primary = await RedisServer.start();
  await using replica = await RedisServer.start();
  await replica.command("REPLICAOF", "127.0.0.1", String(primary.port));
  const { findings, code } = await examine(replica.url);
  expect(findings.get("records")).toMatchObject({
    status: "failed",
    found: containing("READONLY"),
    advice: containing("primary"),
  });
  expect(code).toBe(1);
});

test("a wrong password is told as one, and isn't printed", async () => {
  await using server = await RedisServer.start();
  await server.command("ACL", "SETUSER", "default", ">right");
  const { code, findings, text } = await examine(server.url.replace("redis://", "redis://:wr0ng@"));
  expect([...findings.keys()]).toEqual(["connect"]);
  expect(findings.get("connect")?.["advice"]).toContain("password");
  expect(text).not.toContain("wr0ng");
  expect(code).toBe(1);
});

test.each([
  ["redis://127.0.0.1:1", "Start the server"],
  ["postgres://127.0.0.1:1/none", "Start the server"],
  ["redis://no-such-host.invalid:6379", "Correct the host"],
])("%s can't be reached, and the advice says what to do", async (url, advice) => {
  const { code, findings } = await examine(url);
  expect(findings.get("connect")).toMatchObject({
    status: "failed",
    advice: containing(advice),
  });
  expect(code).toBe(1);
});

test("a server that accepts and says nothing is given up", async () => {
  await using server = await RedisServer.start();
  await using proxy = await TcpProxy.start(server.port);
  proxy.blackHole();
  const { code, findings } = await examine(proxy.url);
  expect(findings.get("connect")?.["advice"]).toContain("firewalls");
  expect(code).toBe(1);
});

test("a Postgres with its tables is fine, and doctor leaves nothing in it", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const { code, findings, wrong } = await examine(database.url);
  expect(wrong).toEqual([]);
  expect([...findings.keys()]).toEqual(postgresChecks);
  expect(code).toBe(0);
  expect(await database.query("select * from rs_stream_sessions")).toEqual([]);
  expect(await database.query("select * from rs_stream_chunks")).toEqual([]);
});

test("a Postgres without the tables, or with those of an older version, gets the command that makes them", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  const without = await examine(database.url);
  expect(without.findings.get("schema")).toMatchObject({
    status: "failed",
    advice: containing("npx resumable-stream postgres setup"),
  });
  expect(without.code).toBe(1);
  await database.query(OLDER_TABLES);
  const older = await examine(database.url);
  expect(older.findings.get("schema")).toMatchObject({ status: "failed" });
  await setUpTables(database.url);
  expect((await examine(database.url)).findings.get("schema")).toMatchObject({ status: "ok" });
});

test("a pooler that swallows notifications is found, and the advice names listenerPool", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  await using pooler = await Pooler.start(database.url);
  const { code, findings, wrong } = await examine(pooler.url);
  expect(wrong).toEqual(["listen"]);
  expect(findings.get("listen")).toMatchObject({
    status: "warning",
    advice: containing("listenerPool"),
  });
  expect(code).toBe(0);
});

test("a database that takes no writes is found", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const name = new URL(database.url).pathname.slice(1);
  await database.query(`alter database ${name} set default_transaction_read_only = on`);
  const { code, findings } = await examine(database.url);
  expect(findings.get("writable")).toMatchObject({
    status: "failed",
    found: containing("read-only"),
  });
  expect(code).toBe(1);
});

test("a database that can't hold every character is found", async () => {
  const server = inject("postgresUrl");
  await using admin = await createDatabase(server);
  const name = `latin1_${Date.now().toString(36)}`;
  await admin.query(
    `create database ${name} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0`,
  );
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  await setUpTables(url);
  const { code, findings } = await examine(url);
  await admin.query(`drop database ${name} with (force)`);
  expect(findings.get("encoding")).toMatchObject({ status: "failed", found: containing("LATIN1") });
  expect(code).toBe(1);
});

test("streams that nobody deletes are found", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  await database.query(`insert into rs_stream_sessions (stream_id, status, expires_at)
    values ('${randomUUID()}', 'done', now() - interval '2 days')`);
  const { findings } = await examine(database.url);
  expect(findings.get("cleanup")).toMatchObject({
    status: "warning",
    advice: containing("postgres cleanup"),
  });
});

test("clocks that differ are found, and the time the question took isn't counted", async () => {
  const skewed = (byMs: number) => compareClocks(() => Promise.resolve(Date.now() + byMs));
  expect((await skewed(0)).status).toBe("ok");
  expect((await skewed(1_500)).status).toBe("ok");
  expect((await skewed(-60_000)).status).toBe("warning");
  expect((await skewed(60_000)).advice).toContain("time service");
});

test("without --url, every server that is set is examined", async () => {
  const env = { KV_URL: inject("redisUrl"), POSTGRES_URL: inject("postgresUrl") };
  const asJson = await run(["doctor", "--json"], env);
  expect(new Set(values(asJson).map(({ server }) => server))).toEqual(new Set(["redis", "postgres"]));
  const forPeople = await run(["doctor"], env);
  expect(forPeople.stdout).toMatch(/^Redis at .*:$/m);
  expect(forPeople.stdout).toMatch(/^ {2}ok +connect +Postgres at /m);
});
