// What reaches a terminal.

import { expect, test } from "vitest";
import { main } from "../../src/cli/main.ts";
import { describeError, printable, printableText, toJson, toLines } from "../../src/cli/print.ts";
import { inWords } from "../../src/cli/words.ts";

test("an id stays on its line and steers nothing; other letters are kept", () => {
  expect(printable("a\u001b[2J\n\u0000\u0085\u2028\u202e\ud83d")).toBe(
    "a\\u001b[2J\\u000a\\u0000\\u0085\\u2028\\u202e\\ud83d",
  );
  expect(printable('né 😀 "中"')).toBe('né 😀 "中"');
});

test("text for a terminal keeps its lines and tabs, and steers nothing", () => {
  expect(printableText("a\r\n\tb\u001b]52;c;x\u0007\u009b😀\u0000")).toBe(
    "a\r\n\tb\\u001b]52;c;x\\u0007\\u009b😀\\u0000",
  );
});

test("JSON is one line without control characters, and parses to what it was", () => {
  const value = { streamId: "\u001b\u009b\u202e\u2028\n😀", text: "\ud83d" };
  const json = toJson(value);
  expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
  expect(JSON.parse(json)).toEqual(value);
});

test("facts are aligned, and what isn't known is a dash", () => {
  expect(toLines({ streamId: "a\n", tail: null })).toEqual(["streamId  a\\u000a", "tail      -"]);
});

test("what show prints is in words that people know", () => {
  const facts = {
    streamId: "a",
    status: "running",
    expiresInSeconds: 86_400,
    tail: 12,
    epoch: 40,
    entries: 3,
    createdAt: "2026-01-01T00:00:00.000Z",
    updatedAt: null,
    leaseMs: 9_700,
    isFollowed: true,
    isStopRequested: false,
    error: null,
    followerProcesses: 1,
  };
  expect(toLines(inWords(facts))).toEqual([
    "id              a",
    "status          running",
    "expires         24 h",
    "length          12",
    "generation      14",
    "rows            3",
    "started         2026-01-01T00:00:00.000Z",
    "last written    -",
    "lost in         10 s, if its server stays silent",
    "followed        yes",
    "stop asked for  no",
    "error           -",
    "followed by     1 process",
  ]);
  expect(inWords({ leaseMs: null, followerProcesses: 2, epoch: null, expiresInSeconds: null })).toEqual({
    "lost in": null,
    "followed by": "2 processes",
    generation: null,
    expires: "never",
  });
});

test("an error of several attempts tells each of them", () => {
  const error = new AggregateError([new Error("::1 refused"), new Error("127.0.0.1 refused")]);
  expect(describeError(error)).toBe("::1 refused\n127.0.0.1 refused");
});

test("--help prints every command and the exit codes", async () => {
  const lines: string[] = [];
  const code = await main(["--help"], {
    env: {},
    print: (line) => void lines.push(line),
    printError: (line) => void lines.push(line),
    write: () => Promise.resolve(),
    isTerminal: false,
    onInterrupt: () => () => undefined,
  });
  expect(code).toBe(0);
  const help = lines.join("\n");
  for (const word of [
    "list",
    "show ID",
    "tail ID",
    "stop ID",
    "doctor",
    "postgres setup",
    "--json",
    "Exit codes",
  ]) {
    expect(help).toContain(word);
  }
});
