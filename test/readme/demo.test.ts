// The demo in the terminal, as the README's command runs it.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("over memory, both readers of the demo get the whole text, and it exits by itself", async () => {
  const lines = await runDemo({ REDIS_URL: undefined });
  expect(lines[0]).toContain("over memory");
  expectSameText(lines);
});

test("over Redis, both readers of the demo get the whole text, from two servers in turn", async () => {
  const lines = await runDemo({ REDIS_URL: inject("redisUrl") });
  expect(lines[0]).toMatch(/over Redis, served at \S+ and \S+/);
  expectSameText(lines);
});

function expectSameText(lines: readonly string[]): void {
  expect(lines).toContainEqual(expect.stringMatching(/reader 1 {2}dropped/));
  expect(lines).toContainEqual(expect.stringMatching(/reader 2 {2}joined late/));
  const sums = lines.flatMap((line) => /sha256 ([0-9a-f]{64})/.exec(line)?.[1] ?? []);
  expect(sums).toHaveLength(3);
  expect(new Set(sums).size).toBe(1);
}

/** Rejects when the demo says, by its exit code, that a text differs. */
async function runDemo(env: NodeJS.ProcessEnv): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "demo/demo.ts", "--terminal"],
    {
      cwd: root,
      env: { ...process.env, ...env },
      timeout: 28_000,
    },
  );
  return stdout.split("\n").filter((line) => line !== "");
}
