// The package under Jest, which requires, and under Vitest, which imports. Jest is installed on first use and kept beside
// node_modules' own, as the runtimes are. Throws where it can't be installed: no test skips.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const cache = join(root, "node_modules/.cache/jest");
const VERSION = "30.5.2";

const entries = [
  "",
  "/redis",
  "/ioredis",
  "/generic",
  "/memory",
  "/postgres",
  "/pglite",
  "/http",
  "/client",
  "/ai-sdk",
  "/ai-sdk/client",
];

/** What a test of a user's says, in either runner. */
const assertions = `
test("a stream is followed", async () => {
  const context = createResumableStreamContext({ waitUntil: null });
  const source = new ReadableStream({
    async start(controller) {
      controller.enqueue("half ");
      await new Promise((resolve) => setTimeout(resolve, 50));
      controller.enqueue("whole");
      controller.close();
    },
  });
  const read = async (stream) => {
    let text = "";
    for await (const piece of stream) text += piece;
    return text;
  };
  const produced = await context.createNewResumableStream("id", () => source);
  const followed = await context.resumeExistingStream("id", 5);
  expect(await Promise.all([read(produced), read(followed)])).toEqual(["half whole", "whole"]);
  await context.close();
  await expect(context.hasExistingStream("id")).rejects.toBeInstanceOf(ResumableStreamError);
});

test("every entry is there", () => {
  expect(entries.map((entry) => Object.keys(entry).length > 0)).toEqual(entries.map(() => true));
});
`;

const required = `
const { createResumableStreamContext, ResumableStreamError } = require("resumable-stream/memory");
const entries = ${JSON.stringify(entries)}.map((entry) => require("resumable-stream" + entry));
${assertions}`;

const imported = `
import { expect, test } from "vitest";
import { createResumableStreamContext, ResumableStreamError } from "resumable-stream/memory";
const entries = await Promise.all(${JSON.stringify(entries)}.map((entry) => import(/* @vite-ignore */ "resumable-stream" + entry)));
${assertions}`;

let project: string;

beforeAll(async () => {
  await mkdir(join(cache, "node_modules"), { recursive: true });
  await writeFile(join(cache, "package.json"), '{ "private": true }\n');
  const manifest = join(cache, "node_modules/jest/package.json");
  const { version } = existsSync(manifest)
    ? (JSON.parse(await readFile(manifest, "utf8")) as { version: string })
    : { version: "none" };
  if (version !== VERSION) {
    const args = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", `jest@${VERSION}`];
    await run("npm", args, { cwd: cache, timeout: 300_000 });
  }
  // Runners take no tests from inside of node_modules.
  project = await mkdtemp(join(tmpdir(), "resumable-stream-runners-"));
  await mkdir(join(project, "node_modules"));
  await writeFile(join(project, "package.json"), '{ "private": true }\n');
  await symlink(root, join(project, "node_modules/resumable-stream"));
  await symlink(join(root, "node_modules/vitest"), join(project, "node_modules/vitest"));
}, 300_000);

afterAll(() => rm(project, { recursive: true }));

test("Jest 30", async () => {
  await writeFile(join(project, "stream.test.js"), required);
  // Prints what it finds on stderr, and exits with an error where a test fails.
  const jest = join(cache, "node_modules/jest/bin/jest.js");
  const { stderr } = await run(process.execPath, [jest, "--ci"], { cwd: project, timeout: 60_000 });
  expect(stderr).toContain("2 passed");
});

test("Vitest", async () => {
  await writeFile(join(project, "stream.spec.mjs"), imported);
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const { stdout } = await run(process.execPath, [vitest, "run", "stream.spec.mjs"], {
    cwd: project,
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST"))),
    timeout: 60_000,
  });
  expect(stdout).toContain("2 passed");
});
