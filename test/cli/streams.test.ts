// `resumable-stream list | show | tail | stop`, over each kind of server.

import { randomUUID } from "node:crypto";
import { Pool } from "pg";
import { describe, expect, inject, test } from "vitest";
import type { DurableStreamContext, ResumableStreamContext } from "../../src/api/types.ts";
import {
  createResumableStreamContext as createIoredisContext,
  type CreateResumableStreamContextOptions,
} from "../../src/ioredis.ts";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { expectClosed, read, readWhole } from "../../src/testing/reading.ts";
import { createClients } from "../support/clients.ts";
import { Running, run, values } from "./run.ts";

interface Scene extends AsyncDisposable {
  context: ResumableStreamContext | DurableStreamContext;
  keyPrefix: string;
  url: string;
  /** The variable that names the server. */
  env: NodeJS.ProcessEnv;
}

function overRedis(): Promise<Scene> {
  return openRedis(createIoredisContext);
}

function overRedisThatKeepsText(): Promise<Scene> {
  return openRedis((options) => createIoredisContext({ ...options, keepText: true }));
}

async function openRedis(
  create: (options: CreateResumableStreamContextOptions) => Scene["context"],
): Promise<Scene> {
  const url = inject("redisUrl");
  const keyPrefix = `cli-${randomUUID()}`;
  const { close, ...clients } = await createClients("ioredis-6", url);
  const context = create({ ...clients, keyPrefix, waitUntil: null, onError: () => undefined });
  const dispose = async (): Promise<void> => {
    await context.close();
    close();
  };
  return { context, keyPrefix, url, env: { REDIS_URL: url }, [Symbol.asyncDispose]: dispose };
}

async function overPostgres(): Promise<Scene> {
  const url = inject("postgresUrl");
  const keyPrefix = `cli-${randomUUID()}`;
  const pool = new Pool({ connectionString: url });
  const context = createPostgresResumableStreamContext({
    pool,
    keyPrefix,
    waitUntil: null,
    onError: () => undefined,
  });
  const dispose = async (): Promise<void> => {
    await context.close();
    await pool.end();
  };
  return { context, keyPrefix, url, env: { POSTGRES_URL: url }, [Symbol.asyncDispose]: dispose };
}

/** A matcher, whose own type says nothing. */
const anyNumber: unknown = expect.any(Number);
const secret = "text that only tail prints";

describe.each([
  { kind: "Redis", open: overRedis, keepsText: false },
  { kind: "Redis that keeps the text", open: overRedisThatKeepsText, keepsText: true },
  { kind: "Postgres", open: overPostgres, keepsText: true },
])("over $kind", ({ open, keepsText }) => {
  test("list tells every stream of the prefix and how it is, and no text", async () => {
    await using scene = await open();
    const { context, env, keyPrefix } = scene;
    await readWhole(context.resumableStream("ended", sourceOf([secret])));
    const source = manualSource();
    const reading = read(await context.createNewResumableStream("running", source.makeStream));
    source.push(secret);
    await reading.reached(secret.length);

    const asJson = await run(["list", "--json", "--key-prefix", keyPrefix], env);
    expect(asJson.stderr).toBe("");
    const statuses = values(asJson).map(({ streamId, status }) => [streamId, status]);
    expect(statuses).toHaveLength(2);
    expect(Object.fromEntries(statuses)).toEqual({ ended: "done", running: "running" });
    const forPeople = await run(["list", "--key-prefix", keyPrefix], env);
    expect(forPeople.stdout).toMatch(/^STATUS +LENGTH +EXPIRES +ID$/m);
    expect(forPeople.stdout).toMatch(/^running .* 24 h +running$/m);
    expect(asJson.stdout + forPeople.stdout).not.toContain(secret);
    expect((await run(["list", "--json", "--key-prefix", `${keyPrefix}-other`], env)).stdout).toBe("");
    source.end();
    await expectClosed(reading, secret);
  });

  test("a stream that was stopped is listed and shown as stopped, with its length", async () => {
    await using scene = await open();
    const { context, env, keyPrefix } = scene;
    const source = manualSource();
    const reading = read(await context.createNewResumableStream("a", source.makeStream));
    source.push(secret);
    await reading.reached(secret.length);
    await context.stopStream("a");
    await expectClosed(reading, secret);
    const args = ["--key-prefix", keyPrefix];
    await expect
      .poll(async () => values(await run(["list", "--json", ...args], env))[0], { timeout: 15_000 })
      .toMatchObject({ streamId: "a", status: "stopped", tail: secret.length });
    const [listed, shown] = await Promise.all([
      run(["list", ...args], env),
      run(["show", "a", ...args], env),
    ]);
    expect(listed.stdout).toMatch(new RegExp(`^stopped +${secret.length} +24 h +a$`, "m"));
    expect(shown.stdout).toMatch(/^status +stopped$/m);
    expect(shown.stdout).toMatch(new RegExp(`^length +${secret.length}$`, "m"));
    expect(shown.stdout).toMatch(/^expires +24 h$/m);
  });

  test("list gives each of more streams than one batch once, and takes a prefix and ids as they are", async () => {
    await using scene = await open();
    const ids = Array.from({ length: 1_100 }, (_, index) => `id-${index}`);
    const strange = ["*", "[a]?", "a b", "\\", 'quoted "', "ünï¢ode", "%_"];
    const all = [...ids, ...strange];
    for (let at = 0; at < all.length; at += 50) {
      const batch = all.slice(at, at + 50);
      await Promise.all(batch.map((id) => readWhole(scene.context.resumableStream(id, sourceOf(["x"])))));
    }
    const outcome = await run(["list", "--json", "--key-prefix", scene.keyPrefix], scene.env);
    const listed = values(outcome).map(({ streamId }) => streamId);
    expect(listed).toHaveLength(all.length);
    expect(new Set(listed)).toEqual(new Set(all));
  });

  test("an id can't steer the terminal", async () => {
    await using scene = await open();
    const id = "\u001b[31mred\u009b\u202e\r\n";
    await readWhole(scene.context.resumableStream(id, sourceOf(["x"])));
    const args = ["--key-prefix", scene.keyPrefix];
    const outcomes = await Promise.all([
      run(["list", ...args], scene.env),
      run(["list", "--json", ...args], scene.env),
      run(["show", id, ...args], scene.env),
      run(["show", `${id}not`, ...args], scene.env),
      run(["stop", id, ...args], scene.env),
    ]);
    for (const { stdout, stderr } of outcomes) {
      expect(stdout + stderr).toContain("\\u001b[31mred\\u009b\\u202e");
      for (const control of ["\u001b", "\u009b", "\u202e", "\r"])
        expect(stdout + stderr).not.toContain(control);
    }
    expect(values(outcomes[1] ?? { stdout: "" })[0]?.["streamId"]).toBe(id);
  });

  test("show tells a stream's tail and end, and no text; it exits with 3 where there is none", async () => {
    await using scene = await open();
    const { context, keyPrefix, env } = scene;
    const source = manualSource();
    const reading = read(await context.createNewResumableStream("a", source.makeStream));
    source.push(secret);
    await reading.reached(secret.length);
    await expect
      .poll(async () => values(await run(["show", "a", "--json", "--key-prefix", keyPrefix], env))[0], {
        timeout: 15_000,
      })
      .toMatchObject({ streamId: "a", status: "running", tail: secret.length, epoch: anyNumber });
    source.end();
    await expectClosed(reading, secret);
    await expect
      .poll(async () => values(await run(["show", "a", "--json", "--key-prefix", keyPrefix], env))[0], {
        timeout: 15_000,
      })
      .toMatchObject({ status: "done" });
    const { stdout } = await run(["show", "a", "--key-prefix", keyPrefix], env);
    expect(stdout).toMatch(/^status +done$/m);
    expect(stdout).not.toContain(secret);
    // JSON has the library's own names: epoch, leaseMs, isFollowed. A line begins with words, in small letters.
    for (const line of stdout.trimEnd().split("\n")) expect(line).toMatch(/^[a-z]+( [a-z]+)* {2,}\S/);
    expect(stdout).not.toMatch(/^(epoch|tail|entries)\b/m);

    const none = await run(["show", "b", "--key-prefix", keyPrefix], env);
    expect([none.code, none.stdout]).toEqual([3, ""]);
    expect(none.stderr).toContain('no stream "b"');
  });

  test("tail prints the text from the offset on, live, and exits with 0 at the end", async () => {
    await using scene = await open();
    const source = manualSource();
    const reading = read(await scene.context.createNewResumableStream("a", source.makeStream));
    source.push("before ");
    await reading.reached(7);
    const args = ["tail", "a", "--url", scene.url, "--key-prefix", scene.keyPrefix];
    await using running = new Running([...args, "--from", "3"]);
    await using asJson = new Running([...args, "--json"]);
    await running.printed("ore ");
    await asJson.printed("before");
    // A pair of surrogates in two chunks is one character in the terminal.
    source.push("and \ud83d");
    source.push("\ude00 live");
    await running.printed("live");
    source.end();
    expect(await running.exited()).toBe(0);
    expect(running.stdout).toBe("ore and 😀 live");
    expect(running.stderr).toBe("");
    expect(await asJson.exited()).toBe(0);
    const lines = values(asJson);
    expect(lines.at(-1)).toEqual({ end: "done" });
    expect(lines.map(({ text }) => (typeof text === "string" ? text : "")).join("")).toBe(
      "before and 😀 live",
    );
    expect(lines[0]).toMatchObject({ offset: 0 });
    await expectClosed(reading, "before and 😀 live");
  });

  test("tail tells a bad end by its exit code", async () => {
    await using scene = await open();
    const source = manualSource();
    const reading = read(await scene.context.createNewResumableStream("a", source.makeStream));
    source.push("text");
    const args = ["tail", "a", "--key-prefix", scene.keyPrefix];
    await using running = new Running(args, scene.env);
    await running.printed("text");
    source.fail(new Error("the model broke"));
    expect(await running.exited()).toBe(4);
    expect(running.stdout).toBe("text");
    expect(running.stderr).toContain("failed");
    await reading.ended;

    const again = await run(args, scene.env);
    expect([again.code, again.stdout]).toEqual(keepsText ? [4, "text"] : [3, ""]);
  });

  test("tail of a stream that is done prints what is kept", async () => {
    await using scene = await open();
    const text = "kept ".repeat(30_000);
    await readWhole(scene.context.resumableStream("a", sourceOf([text])));
    const args = ["--key-prefix", scene.keyPrefix];
    await expect
      .poll(async () => values(await run(["list", "--json", ...args], scene.env))[0]?.["status"], {
        timeout: 15_000,
      })
      .toBe("done");
    const outcome = await run(["tail", "a", "--from", "5", ...args], scene.env);
    expect([outcome.code, outcome.stdout]).toEqual(keepsText ? [0, text.slice(5).trim()] : [3, ""]);
    expect(outcome.stderr).toContain(keepsText ? "" : "its text is gone");
    expect((await run(["tail", "b", ...args], scene.env)).code).toBe(3);
  });

  test("tail that is interrupted leaves, and the stream runs on", async () => {
    await using scene = await open();
    const source = manualSource();
    const reading = read(await scene.context.createNewResumableStream("a", source.makeStream));
    source.push("text");
    await using running = new Running(["tail", "a", "--key-prefix", scene.keyPrefix], scene.env);
    await running.printed("text");
    running.interrupt();
    expect(await running.exited()).toBe(130);
    source.push(" goes on");
    source.end();
    await expectClosed(reading, "text goes on");
  });

  test("stop ends a running stream for all its readers, once", async () => {
    await using scene = await open();
    const source = manualSource();
    const reading = read(await scene.context.createNewResumableStream("a", source.makeStream));
    source.push("text");
    await reading.reached(4);
    const args = ["stop", "a", "--key-prefix", scene.keyPrefix];
    expect(await run(args, scene.env)).toEqual({ code: 0, stdout: 'Stopped "a".', stderr: "" });
    await expectClosed(reading, "text");
    await source.cancelled;
    await expect.poll(async () => (await run(args, scene.env)).code, { timeout: 15_000 }).toBe(3);
    const asJson = await run([...args, "--json"], scene.env);
    expect(values(asJson)).toEqual([{ streamId: "a", isStopped: false }]);
  });
});
