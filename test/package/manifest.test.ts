// What the published package says about itself.

import { spawnSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import { linksOf, readDocuments } from "../docs/markdown.ts";
import { pack, type Tarball } from "./consumer.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const manifest = JSON.parse(await readFile(`${root}/package.json`, "utf8")) as {
  bin: Record<string, string>;
  main: string;
  types: string;
  typesVersions: Record<string, Record<string, string[]>>;
  exports: Record<string, string | { require: object; types: string; default: string }>;
  dependencies?: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
};

let tarball: Tarball;

beforeAll(async () => {
  tarball = await pack();
});

afterAll(async () => {
  await tarball.remove();
});

/** A dash behind another entry's name stands for a slash: the schema belongs to its transport, a page to its server. */
function pathOf(name: string): string {
  return name.replace(/^(postgres|ai-sdk)-/, "$1/");
}

test("the entries are the files directly in src, and each is in the package", async () => {
  const names = (await readdir(`${root}/src`, { withFileTypes: true }))
    .filter((file) => file.isFile())
    .map((file) => file.name.replace(/\.ts$/, ""));
  const { "./package.json": _manifest, ...entries } = manifest.exports;

  const expected = names
    .filter((name) => name !== "cli")
    .map((name) => [
      name === "index" ? "." : `./${pathOf(name)}`,
      {
        require: { types: `./dist/cjs/${name}.d.ts`, default: `./dist/cjs/${name}.js` },
        types: `./dist/${name}.d.ts`,
        default: `./dist/${name}.js`,
      },
    ]);
  expect(entries).toEqual(Object.fromEntries(expected));
  // What compilers that know no exports look at.
  expect([manifest.main, manifest.types]).toEqual(["./dist/cjs/index.js", "./dist/cjs/index.d.ts"]);
  expect(manifest.typesVersions["*"]).toEqual(
    Object.fromEntries(
      names
        .filter((name) => name !== "cli" && name !== "index")
        .map((name) => [pathOf(name), [`./dist/cjs/${name}.d.ts`]]),
    ),
  );
  for (const name of names) {
    expect(tarball.files).toEqual(expect.arrayContaining([`dist/${name}.js`, `dist/${name}.d.ts`]));
  }
});

test("the command is in the package, and says how it is called", () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    [`${root}/${manifest.bin["resumable-stream"]}`, "--help"],
    {
      encoding: "utf8",
    },
  );
  expect(stdout).toContain("postgres setup");
  expect(status).toBe(0);
});

test("there is no runtime dependency, and every client is optional", () => {
  expect(manifest.dependencies ?? {}).toEqual({});
  expect(Object.keys(manifest.peerDependencies).sort()).toEqual([
    "@electric-sql/pglite",
    "ioredis",
    "pg",
    "redis",
  ]);
  for (const peer of Object.keys(manifest.peerDependencies)) {
    expect(manifest.peerDependenciesMeta[peer]).toEqual({ optional: true });
  }
});

test("the package holds the builds, their sources, the documents and the examples, and nothing else", () => {
  const expected = [
    /^dist\/.+\.(js|d\.ts|js\.map)$/,
    /^dist\/cjs\/package\.json$/,
    /^src\/.+\.ts$/,
    /^docs\/.+\.(md|svg)$/,
    /^examples\/(?!.*(node_modules|dist|\.next|\.data|package-lock)).+\.(ts|tsx|mjs|json|html|md)$/,
    /^(package\.json|LICENSE|bench\/(README\.md|RESULTS\.md|results\.svg)|[A-Z]+\.md)$/,
  ];
  expect(tarball.files.filter((path) => !expected.some((pattern) => pattern.test(path)))).toEqual([]);
  expect(tarball.files).toEqual(expect.arrayContaining(["README.md", "LICENSE", "dist/cjs/package.json"]));
});

test("every link of the readme and the guide leads to something in the package", async () => {
  const documents = (await readDocuments()).filter(({ path }) => tarball.files.includes(path));
  expect(documents.length).toBeGreaterThan(20);
  const inPackage = ({ path }: { path: string }): boolean =>
    tarball.files.some((file) => file === path || file.startsWith(`${path.replace(/\/$/, "")}/`));
  expect(documents.flatMap(linksOf).filter((link) => !inPackage(link))).toEqual([]);
});

test("publint finds nothing", async () => {
  const bytes = await readFile(tarball.path);
  const { messages, pkg } = await publint({ strict: true, pack: { tarball: arrayBufferOf(bytes) } });
  expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
});

test("attw finds every entry's types right", () => {
  const attw = `${root}/node_modules/@arethetypeswrong/cli/dist/index.js`;
  const args = [attw, tarball.path, "--no-definitely-typed", "--no-emoji"];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 25_000 });
  expect(status, stdout).toBe(0);
});

function arrayBufferOf(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
