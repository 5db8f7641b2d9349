// The code that the documents show: it compiles, it does what they say, and its commands are taken. Blocks here lean on
// what their readers have, which is in test/docs/stages. Programs that run as they stand are tested elsewhere: the README's in
// test/readme, the guide's servers and the deploys' in test/samples, those of docs/writing-a-transport.md in test/testing.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { generationOf, streamResponse } from "../../src/http.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { run as runCommand } from "../cli/run.ts";
import { type BlockFolder, createBlockFolder } from "../readme/blocks.ts";
import { createDatabase, type PrivateDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { errorsOfFiles } from "../types/compile.ts";
import { type Block, blocksOf, readDocuments, root } from "./markdown.ts";
import { aiSdk } from "./stages/ai-sdk.ts";
import { guide } from "./stages/guide.ts";
import { http } from "./stages/http.ts";
import { onEnd } from "./stages/on-end.ts";
import { recipes } from "./stages/recipes.ts";
import { exampleProgram, isExample } from "./stages/reference.ts";
import type { Stage } from "./stages/stage.ts";
import { transports } from "./stages/transports.ts";

const stages: Record<string, Stage> = { ...aiSdk, ...guide, ...http, ...onEnd, ...recipes, ...transports };

const TESTED_ELSEWHERE = ["README.md", "docs/deploys.md", "docs/writing-a-transport.md"];

const documents = (await readDocuments()).filter(({ path }) => !TESTED_ELSEWHERE.includes(path));
const blocks = documents.flatMap((document) =>
  blocksOf(document).map((block) => ({ ...block, name: `${document.path}: ${block.name}` })),
);
const isReference = ({ name }: Block): boolean => name.startsWith("docs/api/");
const shown = blocks.filter((block) => !isReference(block));
const programs = shown.filter(
  ({ language, name }) => language === "ts" && !name.startsWith("docs/README.md: Handlers"),
);

let folder: BlockFolder;
const files = new Map<string, string>();

beforeAll(async () => {
  folder = await createBlockFolder();
  for (const block of programs) {
    const { before = "", after = "" } = stages[block.name] ?? {};
    files.set(block.name, await folder.write({ ...block, code: `${before}${block.code}${after}` }));
  }
});

afterAll(async () => {
  await folder.remove();
});

test('what Next.js bundles imports files without an ending: it looks for ".js" as it is said, and there is none', async () => {
  const all = (await readDocuments()).flatMap((document) => blocksOf(document));
  const ofNext = all.filter(({ code }) => /^\/\/ (app\/|lib\/|instrumentation)|"next\/server"/m.test(code));
  const imported = ofNext.flatMap(({ code }) => [...code.matchAll(/(?:from |import\()"(\.[^"]*)"/g)]);
  expect(imported.map(([, path]) => path)).toEqual(["./login", "./model", "./context", "./lib/shutdown"]);
});

test("every block says what it is; a text is a picture or a shape, and nothing to run", () => {
  expect(shown.filter(({ language }) => !["ts", "sh", "sql", "text"].includes(language))).toEqual([]);
  const texts = shown.filter(({ language }) => language === "text").map(({ name }) => name);
  expect(texts).toEqual([
    "ARCHITECTURE.md: The picture, block 1",
    "ARCHITECTURE.md: Layers, block 1",
    "CONTRIBUTING.md: The soak, block 1",
    "docs/cli.md: Command line, block 1",
    "docs/cli.md: Streams that no app has taken, block 1",
    "docs/http.md: Events that resume by themselves, block 1",
    "docs/protocol.md: Claiming, block 1",
    "docs/protocol.md: Claiming, block 2",
    "docs/protocol.md: Frames, block 1",
    "docs/protocol.md: Checks, block 1",
    "docs/protocol.md: Checks, block 2",
    "docs/transports/postgres.md: Cleanup, block 1",
  ]);
});

test("every program has a stage, and every stage a program", () => {
  expect(Object.keys(stages).toSorted()).toEqual(programs.map(({ name }) => name).toSorted());
});

test("every program compiles", () => {
  expect(errorsOfFiles([...files.values()])).toEqual([]);
});

test("every example of the API reference compiles", async () => {
  const examples = blocks.filter((block) => isReference(block) && isExample(block));
  expect(examples.length).toBeGreaterThan(10);
  const written = await Promise.all(
    examples.map((block) => folder.write({ ...block, code: exampleProgram(block) })),
  );
  expect(errorsOfFiles(written)).toEqual([]);
});

describe("runs:", () => {
  test.each(programs)("$name", { timeout: 60_000 }, async ({ name }) => {
    await using database = await createTables();
    const env = { ...process.env, REDIS_URL: inject("redisUrl"), POSTGRES_URL: database.url };
    const file = files.get(name) ?? "";
    const args = ["--import", import.meta.resolve("tsx"), file];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: dirname(file),
      env,
      timeout: 25_000,
    });
    expect(stdout).toBe(stages[name]?.prints);
  });
});

const commands = shown
  .filter(({ language }) => language === "sh")
  .flatMap(({ code }) => code.trim().split(/ && |\n/))
  // Without what is set before it, and what is said about it.
  .map((line) => line.replace(/^([A-Z_]+=\S+ )+| +#.*$/g, ""))
  // A variable that is set for good starts nothing.
  .filter((line) => !/^[A-Z_]+=\S+$/.test(line));
const ours = commands.filter((command) => command.startsWith("npx resumable-stream "));

test("every command of npm's installs, tests, or is a script of this package", async () => {
  const { scripts } = JSON.parse(await readFile(`${root}/package.json`, "utf8")) as { scripts: object };
  // The examples start by `npm start`: test/examples runs that.
  const known = /^npm (install( [^\s-]\S*)*|test|start)$/;
  const others = commands.filter((command) => !ours.includes(command) && !known.test(command));
  expect(others.length).toBeGreaterThan(2);
  const unknown = others.filter((command) => {
    const script = /^npm run (\S+)( -- .+)?$/.exec(command)?.[1];
    return script === undefined || !Object.keys(scripts).includes(script);
  });
  expect(unknown).toEqual([]);
});

test.each(ours)("runs: %s", async (command) => {
  await using database = await createTables();
  const args = command.split(" ").slice(2);
  const outcome = await runCommand(args, { POSTGRES_URL: database.url });
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
});

test("the SQL runs, by a scheduler that runs it at once", async () => {
  const statements = shown.filter(({ language }) => language === "sql");
  expect(statements.length).toBeGreaterThan(0);
  await using database = await createTables();
  await database.query("insert into rs_stream_sessions values ('old', 'done', now(), now(), now())");
  await database.query(`
    create schema cron;
    create function cron.schedule(name text, at text, command text) returns void
      language plpgsql as 'begin execute command; end'`);
  for (const { code } of statements) await database.query(code);
  expect(await database.query("select from rs_stream_sessions")).toEqual([]);
});

test("docs/http.md shows the events as they are sent", async () => {
  const block = shown.find(
    ({ name }) => name.startsWith("docs/http.md") && name.includes("Events that resume"),
  );
  await using context = createResumableStreamContext({ waitUntil: null });
  const source = new TransformStream<string, string>();
  const stream = await context.createNewResumableStream("events", () => source.readable);
  const writer = source.writable.getWriter();
  await writer.write("data: Hello\n\ndata: world\n\n");
  await writer.close();
  const sent = await (stream && streamResponse(stream))?.text();
  const mark = stream ? generationOf(stream) : undefined;
  expect(sent?.trim()).toBe(block?.code.trim().replaceAll("k3f9x2", mark ?? "none"));
});

test("the command line's page names the commands and options of --help, and no other", async () => {
  const { text = "" } = documents.find(({ path }) => path === "docs/cli.md") ?? {};
  const { stdout } = await runCommand(["--help"]);
  const listed = [...text.matchAll(/^\| `([^`]+)` /gm)]
    .map(([, name = ""]) => name)
    .filter((name) => name !== "--");
  const offered = [...stdout.matchAll(/^ {2}(\S+(?: \S+)*) {2}/gm)].map(([, name = ""]) => name);
  expect(listed.toSorted()).toEqual(offered.toSorted());
});

async function createTables(): Promise<PrivateDatabase> {
  const database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  return database;
}
