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
  ["strop x", "stop"],
  ["docter", "doctor"],
  ["postgres setpu", "postgres setup"],
  ["postgress setup", "postgres setup"],
])("a typo is one line and a hint: %s", async (words, meant) => {
  const { code, printed, errors } = await call(...words.split(" "));
  expect({ code, printed }).toEqual({ code: 2, printed: [] });
  expect(errors).toEqual([
    `There is no command "${words}". Did you mean "${meant}"?`,
    "Run resumable-stream --help for the commands and options.",
  ]);
});

test("a word that is no typo gets no guess, and no escape sequence gets through", async () => {
  const { errors } = await call("\u001b[31mdance");
  expect(errors[0]).toBe('There is no command "\\u001b[31mdance".');
});

test("an unknown option is one line and a hint", async () => {
  const { code, errors } = await call("list", "--loud");
  expect(code).toBe(2);
  expect(errors).toHaveLength(2);
  expect(errors[0]).toContain("Unknown option '--loud'");
});

test("no words at all show all of them", async () => {
  const { code, errors } = await call();
  expect(code).toBe(2);
  expect(errors.join("\n")).toContain("postgres cleanup");
});
