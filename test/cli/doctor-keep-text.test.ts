// What `resumable-stream doctor` says of a Redis that is to keep text.

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { RedisServer } from "../support/redis-server.ts";
import { run, values } from "./run.ts";

/** A matcher, whose own type says nothing. */
const containing = (text: string): unknown => expect.stringContaining(text);

async function examine(
  url: string,
  args: string[] = [],
): Promise<{ code: number; findings: Map<unknown, Record<string, unknown>> }> {
  const outcome = await run(["doctor", "--json", "--url", url, ...args]);
  expect(outcome.stderr).toBe("");
  return { code: outcome.code, findings: new Map(values(outcome).map((each) => [each["check"], each])) };
}

test.each(["xadd", "append", "evalsha", "time", "pexpire", "unlink"])(
  "a user without the right to %s is told so, as a warning",
  async (command) => {
    await using server = await RedisServer.start();
    const rules = ["~app:rs:*", "~{app:rs:*", "&app:rs:*", "+@all", `-${command}`];
    await server.command("ACL", "SETUSER", "app", "on", ">secret", ...rules);
    const url = server.url.replace("redis://", "redis://app:secret@");
    const { findings } = await examine(url, ["--key-prefix", "app"]);
    expect(findings.get("keepText")).toMatchObject({
      status: "warning",
      advice: containing("+@read +@write"),
    });
    // Redis 7.0 doesn't name the command that it refuses a script.
    expect(findings.get("keepText")?.["found"]).toMatch(/NOPERM|can't run this command|no permissions/);
    await server.command("ACL", "SETUSER", "app", `+${command}`);
    const { code, findings: allowed } = await examine(url, ["--key-prefix", "app"]);
    expect(allowed.get("keepText")).toMatchObject({ status: "ok" });
    expect(code).toBe(0);
  },
);

const rights = {
  "the advice": "+@read +@write +@pubsub +eval +evalsha +time +info",
  "docs/transports/redis.md":
    "+eval +evalsha +time +info +publish +subscribe +unsubscribe +hmget +hset +hdel +del +unlink +set +get +append +strlen +exists +xadd +xrange +xtrim +pexpire",
};

test.each(Object.entries(rights))("the rights that %s names are enough", async (_where, named) => {
  await using server = await RedisServer.start();
  const rules = ["~app:rs:*", "&app:rs:*", "+@connection", ...named.split(" ")];
  await server.command("ACL", "SETUSER", "app", "on", ">secret", ...rules);
  const url = server.url.replace("redis://", "redis://app:secret@");
  const { findings } = await examine(url, ["--key-prefix", "app"]);
  expect(findings.get("keepText")).toMatchObject({ status: "ok", check: "keepText" });
});

test("the rights that are named are those of the advice and of the document", async () => {
  const document = await readFile(new URL("../../docs/transports/redis.md", import.meta.url), "utf8");
  expect(document.replaceAll(/\s+/g, " ")).toContain(rights["docs/transports/redis.md"]);
  await using server = await RedisServer.start();
  await server.command("ACL", "SETUSER", "default", "-evalsha");
  const { findings } = await examine(server.url);
  expect(findings.get("keepText")?.["advice"]).toContain(rights["the advice"]);
});

test("live text that doesn't arrive is found", async () => {
  await using server = await RedisServer.start();
  const rules = ["~app:rs:*", "~{app:rs:*", "+@all", "resetchannels", "&app:rs:inbox:*"];
  await server.command("ACL", "SETUSER", "app", "on", ">secret", ...rules);
  const url = server.url.replace("redis://", "redis://app:secret@");
  const { findings } = await examine(url, ["--key-prefix", "app"]);
  expect(findings.get("keepText")).toMatchObject({ status: "warning", found: containing("live text") });
});

test("whether text survives a restart is told, and is no fault", async () => {
  await using server = await RedisServer.start();
  const { code, findings } = await examine(server.url);
  expect(findings.get("persistence")).toMatchObject({ status: "ok", found: containing("appendonly is off") });
  expect(code).toBe(0);
  await server.command("CONFIG", "SET", "appendonly", "yes");
  expect((await examine(server.url)).findings.get("persistence")).toMatchObject({
    status: "ok",
    found: containing("appendonly is on"),
  });
});

test.each([
  ["allkeys-lru", "any key"],
  ["volatile-ttl", "keys that expire, as all of a stream's do"],
])("the advice says what %s removes", async (policy, what) => {
  await using server = await RedisServer.start();
  await server.command("CONFIG", "SET", "maxmemory-policy", policy);
  const { findings } = await examine(server.url);
  expect(findings.get("eviction")).toMatchObject({ status: "warning", advice: containing(what) });
});
