// Documents name files, headings and tests. All of them are there.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { anchorsOf, linksOf, pathsOf, readDocuments, root, testNamesOf } from "./markdown.ts";

const documents = await readDocuments();
const anchors = new Map(documents.map((document) => [document.path, anchorsOf(document)]));

test("there are documents, with links, file names and names of tests", () => {
  expect(documents.map(({ path }) => path)).toContain("README.md");
  for (const of of [linksOf, pathsOf, testNamesOf]) {
    expect(documents.flatMap((document): unknown[] => of(document)).length).toBeGreaterThan(10);
  }
});

describe.each(documents)("$path", (document) => {
  test("every relative link leads to a file", () => {
    expect(linksOf(document).filter(({ path }) => !existsSync(join(root, path)))).toEqual([]);
  });

  test("every anchor is a heading's", () => {
    const withAnchor = linksOf(document).filter(({ anchor }) => anchor !== undefined);
    expect(withAnchor.filter(({ path, anchor = "" }) => !anchors.get(path)?.includes(anchor))).toEqual([]);
  });

  test("every file it names exists", () => {
    expect(pathsOf(document).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test("every test it names is in the file it names", async () => {
    const missing: string[] = [];
    for (const { file, name } of testNamesOf(document)) {
      const source = await readFile(join(root, file), "utf8");
      if (!source.includes(name)) missing.push(`${file}: ${name}`);
    }
    expect(missing).toEqual([]);
  });
});
