// The programs of docs/deploys.md, in processes that are told to go while two readers have an answer.

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { resumableFetch } from "../../src/client.ts";
import { blocksOf, readDocuments } from "../docs/markdown.ts";
import { type BlockFolder, createBlockFolder, readBlocks } from "../readme/blocks.ts";
import { Balancer } from "../support/balancer.ts";
import { within } from "../support/wait.ts";
import { bundled, errorsOfFiles } from "../types/compile.ts";
import { isWhole } from "./answer.ts";
import { SampleReader } from "./drive.ts";
import { readmeModel } from "./programs.ts";
import { type SampleServer, serveSample } from "./sample-server.ts";

const CUT_AFTER_MS = 1_000;

const [page] = (await readDocuments()).filter(({ path }) => path === "docs/deploys.md");
const blocks = page ? blocksOf(page) : [];
const codeWith = (text: string): string => blocks.find(({ code }) => code.includes(text))?.code ?? "";
const [node = "", express = "", hono = ""] = blocks
  .filter(({ name, language }) => language === "ts" && name.startsWith("Node, Express, Hono"))
  .map(({ code }) => code);

/** As Next.js does it: instrumentation first, and a server that closes at SIGTERM and waits for its requests. */
const next = `
import { createServer } from "node:http";
import { createResumeHandlers, toNodeHandler } from "resumable-stream/http";
process.env["NEXT_RUNTIME"] = "nodejs";
const { register } = await import("./instrumentation.js");
await register();
const { GET, POST } = await import("./next-answer.js");
const handler = toNodeHandler((request) => (request.method === "POST" ? POST(request) : GET(request)));
const server = createServer(handler).listen(3000, "127.0.0.1");
process.once("SIGTERM", () => void server.close(() => process.exit(0)));
`;

const programs = [
  { name: "Node", code: node },
  { name: "Express", code: express },
  { name: "Hono", code: hono },
  { name: "what Next.js calls", code: next },
].map(({ name, code }) => ({ name, code: code.replace("3000", 'Number(process.env["PORT"])') }));

let folder: BlockFolder;

beforeAll(async () => {
  folder = await createBlockFolder();
  await folder.writeAs("model.ts", readmeModel);
  const route = (await readBlocks()).find(({ code }) => code.includes("createResumeHandlers"))?.code ?? "";
  const created = /^const context = .*$/m;
  await folder.writeAs(
    "answer.ts",
    route.replace("waitUntil: after", "waitUntil: null").replace(created, "export $&"),
  );
  await folder.writeAs(
    "next-answer.ts",
    route.replace(created, 'import { context } from "./lib/context.js";'),
  );
  const drainMs = (code: string): string => code.replace("60_000", 'Number(process.env["DRAIN_MS"])');
  await folder.writeAs("shutdown.ts", drainMs(codeWith("// shutdown.ts")));
  await folder.writeAs("lib/context.ts", codeWith("// lib/context.ts"));
  await folder.writeAs("lib/shutdown.ts", drainMs(codeWith("// lib/shutdown.ts")));
  await folder.writeAs("instrumentation.ts", codeWith("// instrumentation.ts"));
});

afterAll(() => folder.remove());

async function start(code: string, drainMs: number): Promise<SampleServer> {
  const file = await folder.write({ name: "", language: "ts", code });
  return serveSample(file, { REDIS_URL: inject("redisUrl"), DRAIN_MS: String(drainMs) });
}

/** Two processes behind a balancer, and an answer of the first with a reader on each. */
async function openDeploy(code: string, drainMs: number) {
  const [old, other, balancer] = await Promise.all([
    start(code, drainMs),
    start(code, drainMs),
    Balancer.start(),
  ]);
  balancer.add(old.port);
  balancer.add(other.port);
  const asked = await balancer.pin(old.port, () =>
    resumableFetch(`${balancer.url}/api/answer`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: "Go on." }),
    }),
  );
  const place = new URL(asked.headers.get("content-location") ?? "", balancer.url);
  const followed = await balancer.pin(other.port, () => resumableFetch(place));
  const readers = [new SampleReader(asked), new SampleReader(followed)];
  for (const reader of readers) await reader.reached(10);
  return {
    old,
    readers,
    /** As a platform does: nothing new goes there, and then the signal. */
    terminate: (): Promise<unknown> => {
      balancer.remove(old.port);
      return within(15_000, "the process to end", old.terminate());
    },
    async [Symbol.asyncDispose]() {
      await balancer[Symbol.asyncDispose]();
      await Promise.all([old, other].map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

test("every program of the page is here, and compiles", async () => {
  expect(blocks.filter(({ language }) => language === "ts")).toHaveLength(7);
  const files = await Promise.all(
    programs.map(({ code }) => folder.write({ name: "", language: "ts", code })),
  );
  expect(errorsOfFiles(files, bundled)).toEqual([]);
});

describe.each(programs)("$name", { concurrent: true, timeout: 60_000 }, ({ code }) => {
  test("an answer that ends within the drain is whole for both readers", async () => {
    await using deploy = await openDeploy(code, 30_000);
    const ended = deploy.terminate();
    const before = deploy.readers.map(({ lines }) => lines);
    for (const [index, reader] of deploy.readers.entries()) await reader.reached((before[index] ?? 0) + 20);
    await deploy.old.finish();
    for (const reader of deploy.readers) {
      await reader.ended;
      expect([isWhole(reader.text), reader.end]).toEqual([true, "clean"]);
    }
    expect(await ended).toBe(0);
  });

  test("one that doesn't is cut, and both readers are told the same", async () => {
    await using deploy = await openDeploy(code, CUT_AFTER_MS);
    expect(await deploy.terminate()).toBe(0);
    for (const reader of deploy.readers) await reader.ended;
    expect(deploy.readers.map(({ end }) => end)).toEqual(["PRODUCER_LOST", "PRODUCER_LOST"]);
    expect(new Set(deploy.readers.map(({ text }) => text)).size).toBe(1);
  });
});

test("platforms wait for the drain, onEnd, the close and the last readers", () => {
  const secondsIn = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(?:seconds:\\s+)?(\\d+)`).exec(page?.text ?? "")?.[1]);
  const drains = [...(page?.text ?? "").matchAll(/drainMs: (\d+)_000/g)].map(([, seconds]) =>
    Number(seconds),
  );
  expect(drains).toEqual([60, 60]);
  const needed = 60 + 10 + 5 + 5;
  expect(secondsIn("stop_grace_period")).toBeGreaterThanOrEqual(needed);
  const preStop = secondsIn("sleep");
  expect(preStop).toBeGreaterThan(0);
  expect(secondsIn("terminationGracePeriodSeconds")).toBeGreaterThanOrEqual(needed + preStop);
  expect(codeWith("CMD")).toMatch(/^CMD \["node", /);
});
