// The packed package, in projects that have one client, the other, or none.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createDatabase } from "../support/postgres-database.ts";
import { createConsumer, pack, type Consumer, type Tarball } from "./consumer.ts";

const opened: { remove: () => Promise<void> }[] = [];
let tarball: Tarball;

beforeAll(async () => {
  tarball = await pack();
  opened.push(tarball);
});

afterAll(async () => {
  await Promise.all(opened.map((one) => one.remove()));
});

const text = "Text outlives its connection.";

/** Produces a stream, follows it from 5, and prints both texts. Exits by itself, or the test times out. */
const produceAndFollow = `
  const makeStream = () => new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      controller.enqueue(${JSON.stringify(text)});
      controller.close();
    },
  });
  const read = async (stream) => {
    let text = "";
    for await (const piece of stream) text += piece;
    return text;
  };
  const produced = await context.resumableStream("id", makeStream);
  const followed = await context.resumeExistingStream("id", 5);
  console.log(JSON.stringify(await Promise.all([read(produced), read(followed)])));
  await context.close();
`;

/** A script's beginning: which packages named so were loaded. */
const loadedClients = `
  import { createRequire } from "node:module";
  const loaded = () => ["redis", "ioredis"].filter((name) =>
    Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes("/node_modules/" + name + "/")));
`;

describe("with no client installed", () => {
  let consumer: Consumer;

  beforeAll(async () => {
    consumer = await open([]);
  });

  test("every entry can be imported, and loads no client", async () => {
    const code = `
      ${["", "/redis", "/ioredis", "/generic", "/memory", "/postgres", "/postgres/schema", "/pglite", "/http", "/client", "/ai-sdk", "/ai-sdk/client"].map((entry) => `import "resumable-stream${entry}";`).join("\n")}
      console.log("imported");`;
    expect(await consumer.run({ kind: "module", code })).toBe("imported");
  });

  test("every entry can be required", async () => {
    const code = `
      const manifest = require("resumable-stream/package.json");
      const entries = Object.keys(manifest.exports).filter((entry) => entry !== "./package.json");
      const empty = entries.filter((entry) => Object.keys(require("resumable-stream" + entry.slice(1))).length === 0);
      console.log(JSON.stringify([entries.length > 8, empty]));`;
    expect(await consumer.run({ kind: "commonjs", code })).toBe("[true,[]]");
  });

  test("the command runs, and says which package it lacks", async () => {
    const help = await consumer.command(["--help"]);
    expect([help.code, help.stderr]).toEqual([0, ""]);
    expect(help.stdout).toContain("doctor");
    const list = await consumer.command(["list"], { REDIS_URL: inject("redisUrl") });
    expect(list.code).toBe(2);
    expect(list.stderr).toMatch(/npm install redis\b.*npm install ioredis\b/);
    const setup = await consumer.command(["postgres", "setup"], { POSTGRES_URL: inject("postgresUrl") });
    expect(setup.code).toBe(2);
    expect(setup.stderr).toContain("npm install pg");
  });

  test("the entries for HTTP and the client can be required", async () => {
    const code = `
      console.log([require("resumable-stream/http").streamResponse, require("resumable-stream/client").resumableFetch]
        .map((entry) => typeof entry).join());`;
    expect(await consumer.run({ kind: "commonjs", code })).toBe("function,function");
  });

  test("memory streams", async () => {
    const code = `
      import { createResumableStreamContext } from "resumable-stream/memory";
      const context = createResumableStreamContext({ waitUntil: null });
      ${produceAndFollow}`;
    expect(await consumer.run({ kind: "module", code })).toBe(JSON.stringify([text, text.slice(5)]));
  });

  test("generic streams over a publisher and a subscriber of one's own", async () => {
    const code = `
      import { EventEmitter } from "node:events";
      import { createResumableStreamContext } from "resumable-stream/generic";
      const bus = new EventEmitter();
      const values = new Map();
      const publisher = {
        publish: async (channel, message) => bus.emit(channel, message),
        set: async (key, value) => void values.set(key, value),
        get: async (key) => values.get(key) ?? null,
        incr: async (key) => {
          const sum = Number(values.get(key) ?? 0) + 1;
          if (Number.isNaN(sum)) throw new Error("ERR value is not an integer or out of range");
          values.set(key, String(sum));
          return sum;
        },
      };
      const subscriber = {
        subscribe: async (channel, callback) => void bus.on(channel, callback),
        unsubscribe: async (channel) => void bus.removeAllListeners(channel),
      };
      const context = createResumableStreamContext({ waitUntil: null, publisher, subscriber });
      ${produceAndFollow}`;
    expect(await consumer.run({ kind: "module", code })).toBe(JSON.stringify([text, text.slice(5)]));
  });

  test.each([
    ["", "redis"],
    ["/redis", "redis"],
    ["/ioredis", "ioredis"],
  ])('"resumable-stream%s" says that %s has to be installed', async (entry, client) => {
    const code = `
      import { createResumableStreamContext } from "resumable-stream${entry}";
      const context = createResumableStreamContext({ waitUntil: null, onError() {} });
      const error = await context.hasExistingStream("id").then(() => undefined, (error) => error);
      console.log(error?.message);`;
    const message = await consumer.run({ kind: "module", code, env: { REDIS_URL: inject("redisUrl") } });
    expect(message).toMatch(new RegExp(`npm install ${client}\\b`));
  });
});

describe.each([
  { client: "redis", other: "ioredis", entries: ["", "/redis"] },
  { client: "ioredis", other: "redis", entries: ["/ioredis"] },
])("with only $client installed", ({ client, entries }) => {
  let consumer: Consumer;

  beforeAll(async () => {
    consumer = await open([client]);
  });

  test.each(entries)('"resumable-stream%s" streams over clients it makes', async (entry) => {
    const code = `
      import { createResumableStreamContext } from "resumable-stream${entry}";
      const context = createResumableStreamContext({ waitUntil: null, keyPrefix: "${randomUUID()}" });
      ${produceAndFollow}`;
    const printed = await consumer.run({ kind: "module", code, env: { REDIS_URL: inject("redisUrl") } });
    expect(printed).toBe(JSON.stringify([text, text.slice(5)]));
  });

  test("the command talks to Redis with it", async () => {
    const env = { REDIS_URL: inject("redisUrl") };
    const outcome = await consumer.command(["doctor", "--json", "--key-prefix", randomUUID()], env);
    expect(outcome.stdout).not.toContain('"failed"');
    expect(outcome.stdout).toContain('"check":"a stream","status":"ok"');
    expect(outcome.code).toBe(0);
  });

  test.each(entries)('"resumable-stream%s" can be required, and streams', async (entry) => {
    const code = `
      const { createResumableStreamContext } = require("resumable-stream${entry}");
      (async () => {
        const context = createResumableStreamContext({ waitUntil: null, keyPrefix: "${randomUUID()}" });
        ${produceAndFollow}
      })();`;
    const printed = await consumer.run({ kind: "commonjs", code, env: { KV_URL: inject("redisUrl") } });
    expect(printed).toBe(JSON.stringify([text, text.slice(5)]));
  });

  test.each(entries)('"resumable-stream%s" loads the client on first use, not before', async (entry) => {
    const code = `
      ${loadedClients}
      import { createResumableStreamContext } from "resumable-stream${entry}";
      const context = createResumableStreamContext({ waitUntil: null, keyPrefix: "${randomUUID()}" });
      const before = loaded();
      await context.hasExistingStream("id");
      console.log(JSON.stringify([before, loaded()]));
      await context.close();`;
    const printed = await consumer.run({ kind: "module", code, env: { REDIS_URL: inject("redisUrl") } });
    expect(printed).toBe(JSON.stringify([[], [client]]));
  });
});

describe("with only pg installed", () => {
  let consumer: Consumer;

  beforeAll(async () => {
    consumer = await open(["pg"]);
  });

  test.each(["", "/postgres"])(
    '"resumable-stream%s" streams over tables that the command sets up',
    async (entry) => {
      await using database = await createDatabase(inject("postgresUrl"));
      const env = { POSTGRES_URL: database.url };
      expect(await consumer.command(["postgres", "setup"], env)).toMatchObject({ code: 0, stderr: "" });
      const code = `
      import pg from "pg";
      import { createPostgresResumableStreamContext } from "resumable-stream${entry}";
      const pool = new pg.Pool({ connectionString: process.env.POSTGRES_URL });
      const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
      ${produceAndFollow}
      await pool.end();`;
      expect(await consumer.run({ kind: "module", code, env })).toBe(JSON.stringify([text, text.slice(5)]));
      const doctor = await consumer.command(["doctor"], env);
      expect([doctor.code, doctor.stderr]).toEqual([0, ""]);
    },
  );
});

describe("with only PGlite installed", () => {
  test('"resumable-stream/pglite" streams, as a module and required', async () => {
    const consumer = await open(["@electric-sql/pglite"]);
    const rest = `
      const context = createPgliteResumableStreamContext({ waitUntil: null });
      ${produceAndFollow}`;
    const asModule = `import { createPgliteResumableStreamContext } from "resumable-stream/pglite"; ${rest}`;
    const required = `
      const { createPgliteResumableStreamContext } = require("resumable-stream/pglite");
      (async () => { ${rest} })();`;
    const expected = JSON.stringify([text, text.slice(5)]);
    expect(await consumer.run({ kind: "module", code: asModule })).toBe(expected);
    expect(await consumer.run({ kind: "commonjs", code: required })).toBe(expected);
  });
});

async function open(clients: readonly string[]): Promise<Consumer> {
  const consumer = await createConsumer(tarball, clients);
  opened.push(consumer);
  return consumer;
}
