// The same promises on the oldest and a newer Node, Bun, Deno and an edge runtime, over the built package. docs/runtimes.md says what is run where.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { installRuntimes, RUNTIME_VERSIONS, type RuntimeName } from "../support/runtimes.ts";
import { type CuttingServer, startCuttingServer } from "./cutting-server.ts";
import { runNode, runProgram, startWorker, type SuiteResult, type Worker } from "./runtime.ts";

let programs: Record<RuntimeName, string>;
let server: CuttingServer;
let worker: Worker;

// The runtimes are installed here, where they aren't yet.
beforeAll(async () => {
  programs = installRuntimes();
  [server, worker] = await Promise.all([startCuttingServer(), startWorker(programs.workerd)]);
}, 300_000);

afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const contract = 100;
const suites: [suite: string, address: "redis" | "http" | "none", atLeast: number][] = [
  ["memory", "none", contract],
  ["generic", "redis", contract],
  ["client", "http", 9],
  ["redis", "redis", contract],
  ["ioredis", "redis", contract],
];

describe.concurrent.each([
  ["Bun", () => [programs.bun]],
  ["Deno", () => [programs.deno, "run", "--allow-all", "--no-lock"]],
] as const)("%s", (name, command) => {
  test.each(suites)("every promise of %s holds", async (suite, address, atLeast) => {
    const result = await runProgram(command(), suite, addressOf(address));
    expectWhole(result, { runtime: name, atLeast });
  });
});

describe.concurrent.each([
  [`Node.js/${RUNTIME_VERSIONS.oldestNode}`, () => programs.oldestNode],
  ["Node.js/24", () => programs.newestNode],
] as const)("%s", (name, program) => {
  test.each(suites)("every promise of %s holds", async (suite, address, atLeast) => {
    const result = await runNode(program(), suite, addressOf(address));
    expectWhole(result, { runtime: name, atLeast });
  });
});

describe.concurrent("workerd", () => {
  test.each(suites.filter(([suite]) => ["memory", "generic", "client"].includes(suite)))(
    "every promise of %s holds",
    async (suite, address, atLeast) => {
      expectWhole(await worker.run(suite, addressOf(address)), { runtime: "Cloudflare-Workers", atLeast });
    },
  );
});

test(`Node ${RUNTIME_VERSIONS.oldestNode} requires and imports each entry`, async () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { exports: object };
  const entries = Object.keys(manifest.exports).map((entry) => `resumable-stream${entry.slice(1)}`);
  const code = `
    const entries = ${JSON.stringify(entries)}.filter((entry) => !entry.endsWith(".json"));
    Promise.all(entries.map(async (entry) => {
      const names = Object.keys(require(entry)).filter((name) => name !== "default");
      const imported = Object.keys(await import(entry));
      return names.length > 0 && names.every((name) => imported.includes(name));
    })).then((all) => console.log(process.versions.node, all.length, all.every(Boolean)));`;
  const { stdout } = await promisify(execFile)(programs.oldestNode, ["-e", code], { cwd: root });
  expect(stdout.trim()).toBe(`${RUNTIME_VERSIONS.oldestNode} ${entries.length - 1} true`);
});

test("docs/runtimes.md names the versions that are run", async () => {
  const document = await readFile(new URL("../../docs/runtimes.md", import.meta.url), "utf8");
  for (const version of Object.values(RUNTIME_VERSIONS)) expect(document).toContain(` ${version} `);
});

function addressOf(kind: "redis" | "http" | "none"): string {
  return { redis: inject("redisUrl"), http: server.origin, none: "" }[kind];
}

function expectWhole(result: SuiteResult, { runtime, atLeast }: { runtime: string; atLeast: number }): void {
  expect(result.broken).toEqual({});
  expect(result.told).toBe(result.planned);
  expect(result.told).toBeGreaterThanOrEqual(atLeast);
  expect(result.runtime).toContain(runtime);
}
