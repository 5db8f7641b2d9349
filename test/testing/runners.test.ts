// The suites fit the runners that are there, and say what they need where none is.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeContexts } from "../../src/testing.ts";
import { root } from "../types/compile.ts";

let folder: string;

beforeAll(async () => {
  // Inside the package, where its own name leads to its build.
  folder = await mkdtemp(join(root, "test/testing/.run-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

test("without a runner and without globals a TypeError says what to pass", () => {
  const factory = (): Promise<never> => Promise.reject(new Error("not called"));
  expect(() => describeContexts("mine", factory)).toThrow(TypeError);
  expect(() => describeContexts("mine", factory)).toThrow(/pass \{ describe, test \}/);
});

test("node:test runs the built suite over memory, and every promise holds", async () => {
  const tests = await runUnderNode(`
    import { describe, test } from "node:test";
    import { createResumableStreamContext } from "resumable-stream/memory";
    import { describeContexts } from "resumable-stream/testing";
    describeContexts(
      "memory",
      async () => {
        const keyPrefix = crypto.randomUUID();
        return {
          createContext: async (options) => createResumableStreamContext({ keyPrefix, ...options }),
          dispose: async () => undefined,
        };
      },
      { describe, test },
    );`);
  expect(tests).toMatchObject({ fail: 0 });
  expect(tests.pass).toBeGreaterThan(100);
});

/** Runs a module under `node --test`, and gives how many tests passed and failed. */
async function runUnderNode(code: string): Promise<{ pass: number; fail: number }> {
  const file = join(folder, "suite.mjs");
  await writeFile(file, code);
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { stdout } = await promisify(execFile)(process.execPath, ["--test", "--test-reporter=tap", file], {
    env,
    maxBuffer: 10_000_000,
    timeout: 50_000,
  });
  const count = (name: string): number => Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(stdout)?.[1]);
  return { pass: count("pass"), fail: count("fail") };
}
