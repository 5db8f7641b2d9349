// The README's code blocks, as files that run as they stand.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Block, blocksOf, root } from "../docs/markdown.ts";

export async function readBlocks(): Promise<Block[]> {
  return blocksOf({ path: "README.md", text: await readFile(join(root, "README.md"), "utf8") });
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
  /** Writes what blocks import of their reader's own. */
  writeAs: (name: string, code: string) => Promise<void>;
  remove: () => Promise<void>;
}

const model = `
import { setTimeout as sleep } from "node:timers/promises";
export function answer(_prompt: string, signal: AbortSignal): ReadableStream<string> {
  let line = 0;
  return new ReadableStream({
    async pull(controller) {
      await sleep(50, undefined, { signal });
      controller.enqueue(\`Line \${++line}\\n\`);
      if (line === 60) controller.close();
    },
  });
}
`;

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
  // What the README's reader has: a login and a model.
  await writeFile(join(folder, "login.ts"), 'export const userOf = async (_request: Request) => "ada";\n');
  await writeFile(join(folder, "model.ts"), model);
  let written = 0;
  return {
    async write({ code }) {
      const file = join(folder, `block-${++written}.ts`);
      await writeFile(file, code);
      return file;
    },
    async writeAs(name, code) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), code);
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
