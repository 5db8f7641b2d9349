// The imported build and the required one, in one program: they share what a process has one of.

import { afterAll, beforeAll, expect, test } from "vitest";
import { RedisServer } from "../support/redis-server.ts";
import { createConsumer, pack, type Consumer, type Tarball } from "./consumer.ts";

let tarball: Tarball;
let consumer: Consumer;

beforeAll(async () => {
  tarball = await pack();
  consumer = await createConsumer(tarball, ["redis", "ioredis"]);
});

afterAll(async () => {
  await Promise.all([tarball.remove(), consumer.remove()]);
});

test("what is imported and what is required are one: streams, their ends, and the class of errors", async () => {
  const code = `
    import { createRequire } from "node:module";
    import * as imported from "resumable-stream/memory";
    import { endOf, generationOf } from "resumable-stream/http";
    const require = createRequire(import.meta.url);
    const required = require("resumable-stream/memory");
    const other = require("resumable-stream/http");
    const [one, two] = [imported, required].map((entry) => entry.createResumableStreamContext({ waitUntil: null }));
    const text = ["a", "b"];
    const source = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        const next = text.shift();
        if (next) controller.enqueue(next);
        else controller.close();
      },
    });
    const first = await one.createNewResumableStream("id", () => source);
    const second = await two.resumeExistingStream("id");
    const ends = [endOf(second), other.endOf(first)];
    const marks = [generationOf(second), other.generationOf(first)];
    for (const stream of [first, second]) for await (const piece of stream) void piece;
    await one.close();
    const closed = await one.hasExistingStream("id").catch((error) => error);
    console.log(JSON.stringify([
      imported.createResumableStreamContext !== required.createResumableStreamContext,
      await Promise.all(ends), marks[0] === marks[1],
      closed instanceof required.ResumableStreamError, closed instanceof imported.ResumableStreamError,
      new Error() instanceof required.ResumableStreamError,
    ]));
    await two.close();`;
  const told = await consumer.run({ kind: "module", code });
  expect(told).toBe('[true,["done","done"],true,true,true,false]');
});

test("clients that are imported and required are one: how a response ended, and the class of errors", async () => {
  const code = `
    import { createServer } from "node:http";
    import { createRequire } from "node:module";
    import * as imported from "resumable-stream/client";
    const required = createRequire(import.meta.url)("resumable-stream/client");
    const server = createServer(({ url }, response) => {
      const end = url.slice(1);
      response.writeHead(200, { "content-type": "text/event-stream", "stream-offset": "0" });
      response.end(": resumable-stream offset=0\\n\\n: resumable-stream end=" + end + "\\n\\n");
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = "http://127.0.0.1:" + server.address().port;
    const told = [];
    for (const [one, other] of [[imported, required], [required, imported]]) {
      const response = await one.resumableFetch(url + "/stopped");
      await response.text();
      const failed = await one.resumableFetch(url + "/failed");
      const error = await failed.text().catch((error) => error);
      class Mine extends other.ResumableFetchError {}
      told.push(one.resumableFetch !== other.resumableFetch,
        await Promise.all([other.endOf(response), other.endOf(failed)]), error.code,
        error instanceof other.ResumableFetchError, error instanceof Mine,
        new TypeError() instanceof other.ResumableFetchError);
    }
    console.log(JSON.stringify(told));
    server.close();
    server.closeAllConnections();`;
  const once = [true, ["stopped", "failed"], "SOURCE_FAILED", true, false, false];
  expect(await consumer.run({ kind: "module", code })).toBe(JSON.stringify([...once, ...once]));
});

test.each(["redis", "ioredis"])(
  "clients that are made of REDIS_URL are one pair, and one waits for a silent server: %s",
  async (entry) => {
    const code = `
    import { createRequire } from "node:module";
    import { Redis } from "ioredis";
    import * as imported from "resumable-stream/${entry}";
    const required = createRequire(import.meta.url)("resumable-stream/${entry}");
    const admin = new Redis(process.env.REDIS_URL);
    const connected = async () => (await admin.client("LIST")).trim().split("\\n").length;
    const before = await connected();
    const errors = [];
    const options = { waitUntil: null, claimTimeoutMs: 300, onError: ({ message }) => void errors.push(/within \\d+ ms/.exec(message)[0]) };
    const contexts = [imported, required].map(({ createResumableStreamContext }) =>
      createResumableStreamContext({ ...options, keyPrefix: "two-builds" }));
    const texts = [];
    for (const [one, other] of [contexts, contexts.toReversed()]) {
      const id = crypto.randomUUID();
      let controller;
      const source = new ReadableStream({ start: (given) => { controller = given; } });
      const streams = [await one.createNewResumableStream(id, () => source), await other.resumeExistingStream(id)];
      controller.enqueue("text");
      controller.close();
      for (const stream of streams) for await (const piece of stream) texts.push(piece);
    }
    const connections = (await connected()) - before;
    const pid = Number(/process_id:(\\d+)/.exec(await admin.info("server"))[1]);
    process.kill(pid, "SIGSTOP");
    for (const context of contexts) {
      await context.createNewResumableStream("away", () => new ReadableStream({ start: (given) => given.close() }));
    }
    process.kill(pid, "SIGCONT");
    console.log(JSON.stringify([connections, texts, errors]));
    for (const context of contexts) await context.close();
    admin.disconnect();`;
    await using server = await RedisServer.start();
    const told = await consumer.run({ kind: "module", code, env: { REDIS_URL: server.url } });
    expect(told).toBe(
      JSON.stringify([2, ["text", "text", "text", "text"], ["within 300 ms", "within 40 ms"]]),
    );
  },
);
