// The README's code blocks, as files that run as they stand.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Block, blocksOf, root } from "../docs/markdown.ts";

export async function readBlocks(): Promise<Block[]> {
  return blocksOf({ path: "README.md", text: await readFile(join(root, "README.md"), "utf8") });
}

/** What a block says it prints: its comments that begin with "prints:". */
export function promisedOutput({ code }: Block): string {
  return [...code.matchAll(/\/\/ prints: (.*)$/gm)].map(([, line]) => `${line}\n`).join("");
}

/** The status of a request after the stream's end, as the block says. */
export function statusWhenDone({ code }: Block): number {
  return code.includes("status: 422") ? 422 : 204;
}

/** Whether a block exports request handlers; others run by themselves. */
export function hasHandlers({ code }: Block): boolean {
  return /^export (async function|const \{) GET\b/m.test(code);
}

export interface BlockFolder {
  /** Writes a block, and gives its file. */
  write: (block: Block) => Promise<string>;
  remove: () => Promise<void>;
}

/** A folder inside this package, where its own name leads to its build, with a stand-in for Next.js. */
export async function createBlockFolder(): Promise<BlockFolder> {
  const folder = await mkdtemp(join(root, "test/readme/.run-"));
  const next = join(folder, "node_modules/next");
  await mkdir(next, { recursive: true });
  await writeFile(
    join(next, "package.json"),
    JSON.stringify({ name: "next", type: "module", exports: { "./server": "./server.js" } }),
  );
  await writeFile(join(next, "server.js"), "export const after = (promise) => void promise;\n");
  let written = 0;
  return {
    async write({ code }) {
      const file = join(folder, `block-${++written}.ts`);
      await writeFile(file, code);
      return file;
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
