// Everything the README shows is run.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { bundled, errorsOfFiles } from "../types/compile.ts";
import { createBlockFolder, hasHandlers, readBlocks, statusWhenDone, type BlockFolder } from "./blocks.ts";
import type { HandlerAnswers } from "./call-handlers.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const blocks = await readBlocks();
const code = blocks.filter(({ language }) => language === "ts");
const shell = blocks.filter(({ language }) => language === "sh");

let folder: BlockFolder;

beforeAll(async () => {
  folder = await createBlockFolder();
});

afterAll(async () => {
  await folder.remove();
});

test("every block is code or a command", () => {
  expect(blocks.filter(({ language }) => !["ts", "sh", "html", "tsx"].includes(language))).toEqual([]);
  expect(code.length).toBeGreaterThan(0);
});

test("it has at most 180 lines", async () => {
  const readme = await readFile(`${root}/README.md`, "utf8");
  expect(readme.split("\n").length).toBeLessThanOrEqual(180);
});

test("every block compiles", async () => {
  const files = await Promise.all(code.map((block) => folder.write(block)));
  expect(errorsOfFiles(files, bundled)).toEqual([]);
});

describe.each(code.filter(hasHandlers))("$name", (block) => {
  test("produces, follows from an offset, says when it is done, and stops", async () => {
    const { stdout } = await run([
      fileURLToPath(new URL("call-handlers.ts", import.meta.url)),
      await folder.write(block),
    ]);
    const { produced, followed, stopped, ...answers } = JSON.parse(stdout) as HandlerAnswers;
    expect(produced.length).toBeGreaterThan(5);
    expect(followed).toBe(produced.slice(5));
    expect(answers.statusWhenDone).toBe(statusWhenDone(block));
    if (!stopped) return;
    expect(stopped.status).toBe(200);
    expect(produced.startsWith(stopped.text)).toBe(true);
    expect(stopped.text.length).toBeLessThan(produced.length);
  });
});

test("every command is one that npm has: installing, testing, or a script of this package", async () => {
  const { scripts } = JSON.parse(await readFile(`${root}/package.json`, "utf8")) as { scripts: object };
  // Those of the examples: npm run test:examples runs what follows the folder.
  const examples = ["ai-chat", "next-app", "own-transport"].map((name) => `cd examples/${name}`);
  const known = [
    "npm install",
    "npm test",
    "npm start",
    ...examples,
    ...Object.keys(scripts).map((name) => `npm run ${name}`),
  ];
  const commands = shell.flatMap((block) => block.code.trim().split(/ && |\n/));
  expect(commands).toContain("npm test");
  expect(
    commands.filter(
      (command) =>
        !known.includes(command) &&
        !/^(npm install [\w -]+|npx resumable-stream (postgres (setup|cleanup)|doctor|list|tail \S+|stop \S+))$/.test(
          command,
        ),
    ),
  ).toEqual([]);
});

function run(args: readonly string[]): Promise<{ stdout: string }> {
  const env = { ...process.env, REDIS_URL: inject("redisUrl"), POSTGRES_URL: inject("postgresUrl") };
  return promisify(execFile)(process.execPath, ["--import", "tsx", ...args], {
    cwd: root,
    env,
    timeout: 25_000,
  });
}
