// The same promises on Bun, Deno and an edge runtime, over the built package. docs/runtimes.md says what is run where.

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { installRuntimes, RUNTIME_VERSIONS, type RuntimeName } from "../support/runtimes.ts";
import { type CuttingServer, startCuttingServer } from "./cutting-server.ts";
import { runProgram, startWorker, type SuiteResult, type Worker } from "./runtime.ts";

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

describe.concurrent("workerd", () => {
  test.each(suites.filter(([suite]) => ["memory", "generic", "client"].includes(suite)))(
    "every promise of %s holds",
    async (suite, address, atLeast) => {
      expectWhole(await worker.run(suite, addressOf(address)), { runtime: "Cloudflare-Workers", atLeast });
    },
  );
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
