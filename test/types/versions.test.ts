// Users' compilers, old and new: the declarations and programs that use them are right to each.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "./compile.ts";

/** Packages of the oldest supported, of one in the middle, and of the last of each major version. */
const compilers = ["typescript-5.4", "typescript-5.6", "typescript-5.9", "typescript", "typescript-7"];
const resolutions = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
];
const programs = ["next-server.d.ts", "published-api.ts", "our-api.ts", "durable-api.ts"];

let folder: string;
let declarations: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "resumable-stream-types-"));
  const files = await readdir(`${root}dist`);
  // The command's declarations are for nobody: it is run, not imported.
  declarations = files.filter((file) => file.endsWith(".d.ts") && file !== "cli.d.ts");
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

test.each(compilers.flatMap((compiler) => resolutions.map((resolution) => ({ compiler, ...resolution }))))(
  "$compiler finds nothing wrong with $moduleResolution resolution, and needs no types of Node or of a client",
  { timeout: 60_000 },
  async ({ compiler, ...resolution }) => {
    const project = {
      compilerOptions: {
        ...resolution,
        target: "es2022",
        lib: ["es2022", "dom", "dom.iterable", "dom.asynciterable", "esnext.disposable"],
        types: [],
        strict: true,
        noEmit: true,
        // Declarations are what is tested.
        skipLibCheck: false,
      },
      files: [
        ...declarations.map((file) => `${root}dist/${file}`),
        ...programs.map((file) => `${root}test/types/programs/${file}`),
      ],
    };
    const path = join(folder, `${compiler}-${resolution.moduleResolution}.json`);
    await writeFile(path, JSON.stringify(project));
    expect(await compile(compiler, path)).toBe("");
  },
);

/** What the compiler prints, which is nothing where it finds nothing wrong. */
function compile(compiler: string, project: string): Promise<string> {
  const bin = `${root}node_modules/${compiler}/bin/tsc`;
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, "-p", project], { cwd: root }, (error, stdout, stderr) => {
      resolve(`${stdout}${stderr}${error && stdout === "" && stderr === "" ? error.message : ""}`);
    });
  });
}
