// Entries as a bundler for a platform without Node takes them.

import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { root } from "../types/compile.ts";

export interface Bundle {
  code: string;
  /** The files it is made of. */
  files: string[];
  /** What it imports of packages and of Node, by the file that does: `dist/x.js: redis`. */
  imports: string[];
  /** Names that only Node has, by the file that uses them: `dist/x.js: process`. */
  globals: string[];
}

const NODE_GLOBALS = [
  "process",
  "Buffer",
  "require",
  "module",
  "__dirname",
  "__filename",
  "setImmediate",
  "global",
];

/** Bundles code that imports by the package's own name. `iife`: to be run as it is; `esm`: as a page loads it. */
export async function bundle(code: string, format: "iife" | "esm" = "iife"): Promise<Bundle> {
  const imports: string[] = [];
  const { metafile, outputFiles } = await build({
    stdin: { contents: code, resolveDir: root },
    bundle: true,
    minify: true,
    platform: "neutral",
    target: "es2022",
    format,
    ...(format === "iife" && { globalName: "bundled" }),
    metafile: true,
    write: false,
    plugins: [
      {
        name: "what isn't ours stays outside",
        setup: (builder) =>
          builder.onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
            if (path.startsWith("resumable-stream")) return undefined;
            imports.push(`${importer.replace(root, "")}: ${path}`);
            return { path, external: true };
          }),
      },
    ],
  });
  const files = Object.keys(metafile.inputs).filter((path) => path !== "<stdin>");
  const globals = await Promise.all(files.map(globalsOf));
  return { code: outputFiles[0]?.text ?? "", files, imports, globals: globals.flat() };
}

/** Bytes, minified and gzipped, without the packages that it imports. */
export async function sizeOf(code: string): Promise<number> {
  return gzipSync((await bundle(code, "esm")).code, { level: 9 }).length;
}

/** A name is replaced only where the file itself declares none of it. */
export async function globalsOf(path: string): Promise<string[]> {
  const define = Object.fromEntries(NODE_GLOBALS.map((name) => [name, `leaked_${name}`]));
  const { code } = await transform(await readFile(`${root}${path}`, "utf8"), { define });
  return NODE_GLOBALS.filter((name) => code.includes(`leaked_${name}`)).map((name) => `${path}: ${name}`);
}
