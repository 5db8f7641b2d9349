// The API reference says what the docstrings say.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { root } from "./markdown.ts";

let written: Map<string, string>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reference-"));
  // Rejects with what the docstrings lack.
  await promisify(execFile)(process.execPath, ["--import", "tsx", "scripts/docs.ts", folder], { cwd: root });
  written = await pagesIn(folder);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

test("every entry has a page", () => {
  const entries = Object.keys(manifest.exports).filter((path) => path !== "./package.json");
  const pages = entries.map((path) => `resumable-stream${path.slice(1).replaceAll("/", ".")}.md`);
  expect([...written.keys()].toSorted()).toEqual(["README.md", ...pages].toSorted());
});

test("docs/api is what `npm run docs` writes", async () => {
  expect(await pagesIn(join(root, "docs/api"))).toEqual(written);
});

test("the pages name no line, no commit and no folder", () => {
  for (const page of written.values()) expect(page).not.toMatch(/#L\d|blob\/|Defined in|file:|\/src\//);
});

async function pagesIn(path: string): Promise<Map<string, string>> {
  const names = (await readdir(path)).toSorted();
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(path, name), "utf8")] as const)),
  );
}
