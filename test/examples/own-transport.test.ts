// The example of a pub/sub of one's own, by the command its reader runs.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ensureBinary, natsBinary } from "../support/server-binary.ts";

const cwd = fileURLToPath(new URL("../../examples/own-transport", import.meta.url));

test("one command installs it, resumes a stream in a second process, and proves the pair", async () => {
  ensureBinary(natsBinary);
  const command = "npm install --no-save --no-audit --no-fund --loglevel=error && npm start && npm test";
  // node:test reports nothing from inside another runner that set this.
  const env = { ...process.env, NATS_URL: "", NODE_TEST_CONTEXT: undefined };
  const { stdout } = await promisify(execFile)("sh", ["-c", command], {
    cwd,
    env,
    maxBuffer: 10_000_000,
    timeout: 110_000,
  });
  expect(stdout).toContain("  resumed   has all: true");
  expect(stdout).toMatch(/^(# |ℹ )fail 0$/m);
  expect(Number(/^(?:# |ℹ )pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(150);
});
