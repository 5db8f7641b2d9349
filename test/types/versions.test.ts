// Users' compilers, old and new, in packages of either kind: the declarations and programs that use them are right to each.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "./compile.ts";

/** Written for the published package, for what came since, and for every subpath. */
const programs = ["published-api.ts", "our-api.ts", "durable-api.ts", "every-entry.ts"];
const kinds = ["module", "commonjs"] as const;

const resolutions = {
  node10: { module: "commonjs", moduleResolution: "node10" },
  node16: { module: "node16", moduleResolution: "node16" },
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

type Resolution = keyof typeof resolutions;

/** The oldest that is supported, two in the middle, and the last of each major version, which drops the oldest resolution. */
const compilers = ["typescript-5.4", "typescript-5.6", "typescript-5.9", "typescript", "typescript-7"];

const cases = compilers.flatMap((compiler) =>
  (Object.keys(resolutions) as Resolution[])
    .filter((name) => name !== "node10" || compiler !== "typescript-7")
    .flatMap((name) =>
      kinds
        .filter((kind) => name !== "node10" || kind === "commonjs")
        .map((kind) => ({ compiler, name, kind })),
    ),
);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "resumable-stream-types-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules/resumable-stream"));
  for (const kind of kinds) {
    await mkdir(join(folder, kind));
    await writeFile(join(folder, kind, "package.json"), JSON.stringify({ type: kind }));
    for (const program of [...programs, "next-server.d.ts"]) {
      await cp(`${root}test/types/programs/${program}`, join(folder, kind, program));
    }
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

test.each(cases)(
  "$compiler finds nothing wrong in a $kind package with $name resolution, and needs no types of Node or of a client",
  { timeout: 60_000 },
  async ({ compiler, name, kind }) => {
    const project = {
      compilerOptions: {
        ...resolutions[name],
        ...(compiler === "typescript" && name === "node10" && { ignoreDeprecations: "6.0" }),
        target: "es2022",
        lib: ["es2022", "dom", "dom.iterable", "dom.asynciterable", "esnext.disposable"],
        types: [],
        strict: true,
        noEmit: true,
        // Declarations are what is tested.
        skipLibCheck: false,
      },
      files: [...programs, "next-server.d.ts"],
    };
    const path = join(folder, kind, `${compiler}-${name}.json`);
    await writeFile(path, JSON.stringify(project));
    expect(await compile(compiler, path)).toBe("");
  },
);

test.each(["typescript-5.4", "typescript", "typescript-7"])(
  "%s needs no library of a later year than the published package's declarations do",
  { timeout: 60_000 },
  async (compiler) => {
    const project = {
      compilerOptions: {
        ...resolutions.bundler,
        target: "es2020",
        lib: ["es2020", "dom", "dom.iterable"],
        types: [],
        strict: true,
        noEmit: true,
        skipLibCheck: false,
      },
      files: ["published-api.ts", "every-entry.ts", "next-server.d.ts"],
    };
    const path = join(folder, "module", `${compiler}-es2020.json`);
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
