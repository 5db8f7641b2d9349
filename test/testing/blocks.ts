// The code of docs/writing-a-transport.md: written to files, run as it stands, or with a bug planted into it.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../types/compile.ts";

/** A file of the document. Its first line is a comment that names it. */
export interface Block {
  file: string;
  code: string;
}

export async function readBlocks(): Promise<Block[]> {
  const text = await readFile(join(root, "docs/writing-a-transport.md"), "utf8");
  return [...text.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([^]*?)^```$/gm)].map(([, file = "", code = ""]) => ({
    file,
    code,
  }));
}

/** A part of a file that is there once, and what a mistaken author has in its place. */
export type Mistake = readonly [right: string, wrong: string];

export interface BlockFolder {
  path: string;
  /** Writes all files as they stand, and gives their paths. */
  writeAll: () => Promise<string[]>;
  /** Loads a file into this process, over the sources of the library, with mistakes made in it. */
  load: (file: string, mistakes?: readonly Mistake[]) => Promise<unknown>;
  remove: () => Promise<void>;
}

/** A folder inside this package, where its own name leads to its build. */
export async function createBlockFolder(): Promise<BlockFolder> {
  const path = await mkdtemp(join(root, "test/testing/.run-"));
  // A reader's own, in place of ours, which leads names of the package to declarations.
  await writeFile(join(path, "tsconfig.json"), "{}");
  const blocks = await readBlocks();
  let loaded = 0;
  return {
    path,
    writeAll: () =>
      Promise.all(
        blocks.map(async ({ file, code }) => {
          await writeFile(join(path, file), code);
          return join(path, file);
        }),
      ),
    load: async (file, mistakes = []) => {
      const block = blocks.find((known) => known.file === file);
      if (!block) throw new Error(`The document has no file ${file}`);
      const code = mistakes.reduce(make, block.code);
      const target = join(path, `loaded-${++loaded}-${file}`);
      // One copy of the library's classes in this process: that of its sources.
      await writeFile(target, code.replaceAll(/"resumable-stream\/(\w+)"/g, '"../../../src/$1.ts"'));
      return (await import(pathToFileURL(target).href)) as unknown;
    },
    remove: () => rm(path, { recursive: true }),
  };
}

function make(code: string, [right, wrong]: Mistake): string {
  if (code.split(right).length !== 2) throw new Error(`The document has no single "${right}"`);
  return code.replace(right, () => wrong);
}
