// The command as a function: what it says before it asks a server.

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { main } from "../../src/cli/main.ts";

async function call(...args: string[]): Promise<{ code: number; printed: string[]; errors: string[] }> {
  const printed: string[] = [];
  const errors: string[] = [];
  const code = await main(args, {
    env: {},
    print: (line) => void printed.push(line),
    printError: (line) => void errors.push(line),
    write: () => Promise.resolve(),
    isTerminal: false,
    onInterrupt: () => () => undefined,
  });
  return { code, printed, errors };
}

test.each(["--version", "-v"])("%s prints the version of the package", async (flag) => {
  const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };
  expect(await call(flag)).toEqual({ code: 0, printed: [version], errors: [] });
});

test.each([
  ["lst", "list"],
  ["lsit", "list"],
  ["strop x", "stop"],
  ["docter", "doctor"],
  ["postgres setpu", "postgres setup"],
  ["postgress setup", "postgres setup"],
  ["postgres lots", "postgres lost"],
])("a typo is one line and a hint: %s", async (words, meant) => {
  const { code, printed, errors } = await call(...words.split(" "));
  expect({ code, printed }).toEqual({ code: 2, printed: [] });
  expect(errors).toEqual([
    `Unknown command "${words}". Did you mean "${meant}"?`,
    "Run resumable-stream --help for the commands and options.",
  ]);
});

test("a word that is no typo gets no guess, and no escape sequence gets through", async () => {
  const { errors } = await call("\u001b[31mdance");
  expect(errors[0]).toBe('Unknown command "\\u001b[31mdance".');
});

test("the first word of a command of two gets both as a hint", async () => {
  const { code, errors } = await call("postgres");
  expect(code).toBe(2);
  expect(errors[0]).toBe(
    'Unknown command "postgres". Did you mean "postgres setup" or "postgres cleanup" or "postgres lost"?',
  );
});

test.each([
  [["list", "--jsno"], 'Unknown option "--jsno". Did you mean "--json"?'],
  [["list", "-json"], 'Unknown option "-json". Did you mean "--json"?'],
  [["-version"], 'Unknown option "-version". Did you mean "--version"?'],
  [["postgres", "lost", "--handover", "a.mjs"], 'Unknown option "--handover". Did you mean "--hand-over"?'],
  [["list", "--keyprefix=mine"], 'Unknown option "--keyprefix". Did you mean "--key-prefix"?'],
  [["show", "-a1b2c3"], 'Unknown option "-a1b2c3". An id that begins with a dash goes last, behind " -- ".'],
  [
    ["list", "-\u001b[31m"],
    'Unknown option "-\\u001b[31m". An id that begins with a dash goes last, behind " -- ".',
  ],
])("a typo in an option is one line and a hint: %j", async (args, said) => {
  const { code, printed, errors } = await call(...args);
  expect({ code, printed }).toEqual({ code: 2, printed: [] });
  expect(errors).toEqual([said, "Run resumable-stream --help for the commands and options."]);
});

test("an option that lacks its value says so on one line", async () => {
  const { code, errors } = await call("tail", "a", "--from", "-1");
  expect(code).toBe(2);
  expect(errors).toHaveLength(2);
  expect(errors[0]).toContain("--from");
  expect(errors[0]).not.toContain("\\u000a");
});

test("no words at all show all of them", async () => {
  const { code, errors } = await call();
  expect(code).toBe(2);
  expect(errors.join("\n")).toContain("postgres cleanup");
});
