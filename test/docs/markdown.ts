// What the documents of this repository say, as far as it can be checked: links, headings, file names, names of tests.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Document {
  /** From the root of the repository. */
  path: string;
  text: string;
}

export interface Link {
  from: string;
  target: string;
  /** The file it leads to, from the root. */
  path: string;
  /** The heading it leads to; absent where it names none. */
  anchor: string | undefined;
}

/** All documents, committed or about to be. */
export async function readDocuments(): Promise<Document[]> {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"];
  const { stdout } = await promisify(execFile)("git", args, { cwd: root });
  const paths = [...new Set(stdout.split("\n"))].filter((path) => path !== "");
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), "utf8") })));
}

export interface Block {
  /** The heading it stands under, and its number among the blocks of its language there. */
  name: string;
  language: string;
  code: string;
}

/** The code blocks of a document. */
export function blocksOf({ text }: Document): Block[] {
  const blocks: Block[] = [];
  const seen = new Map<string, number>();
  let heading = "";
  for (const [, title, language = "", code = ""] of text.matchAll(/^#+ (.+)$|^```(\w*)\n([^]*?)^```$/gm)) {
    if (title !== undefined) {
      heading = title;
      seen.clear();
      continue;
    }
    const number = (seen.get(language) ?? 0) + 1;
    seen.set(language, number);
    blocks.push({ name: `${heading}, block ${number}`, language, code });
  }
  return blocks;
}

/** Links to files and headings of this repository. */
export function linksOf({ path: from, text }: Document): Link[] {
  const targets = [...withoutCode(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target ?? "");
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? from : normalize(join(dirname(from), decodeURIComponent(file)));
      return { from, target, path, anchor };
    });
}

/** The anchors of a document's headings, as its host makes them. */
export function anchorsOf({ text }: Document): string[] {
  const seen = new Map<string, number>();
  return [...withoutBlocks(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, title = ""]) => {
    const slug = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-");
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}

/** Files and folders of this repository that a document names in backticks. */
export function pathsOf({ text }: Document): string[] {
  return [...withoutBlocks(text).matchAll(/`((?:src|test|docs|bench|demo|examples|scripts)\/[^`\s]*)`/g)].map(
    ([, path]) => path ?? "",
  );
}

/** Test names in double quotes, and the test file that the same line names before them. */
export function testNamesOf({ text }: Document): { file: string; name: string }[] {
  return withoutBlocks(text)
    .split("\n")
    .flatMap((line) => {
      const file = /`((?:test|src\/testing)\/[^`\s]+\.ts)`/.exec(line)?.[1];
      if (file === undefined) return [];
      return [...line.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => ({ file, name }));
    });
}

function withoutBlocks(text: string): string {
  return text.replace(/^```[^]*?^```$/gm, "");
}

function withoutCode(text: string): string {
  return withoutBlocks(text).replace(/`[^`\n]*`/g, "");
}
