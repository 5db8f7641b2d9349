// The suites fit the runners that are there, and say what they need where none is.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeContexts, describePubSub, describeTransport } from "../../src/testing.ts";
import { errorsOfFiles } from "../types/compile.ts";
import { type BlockFolder, createBlockFolder } from "./blocks.ts";

let folder: BlockFolder;
let files: string[];

beforeAll(async () => {
  folder = await createBlockFolder();
  files = await folder.writeAll();
});

afterAll(async () => {
  await folder.remove();
});

describe.each([
  ["describePubSub", describePubSub],
  ["describeTransport", describeTransport],
  ["describeContexts", describeContexts],
])("%s", (_, suite) => {
  test("says what to pass where there is no runner, or no globals of one", () => {
    const factory = (): Promise<never> => Promise.reject(new Error("not called"));
    expect(() => suite("mine", factory)).toThrow(TypeError);
    expect(() => suite("mine", factory)).toThrow(/pass \{ describe, test \}/);
  });
});

describe("docs/writing-a-transport.md", () => {
  test("its code compiles as a user's does", () => {
    expect(errorsOfFiles(files, { allowImportingTsExtensions: true, noEmit: true })).toEqual([]);
  });

  test.each(["broker", "log"])(
    "its %s keeps every promise under node:test, over the built package",
    async (name) => {
      const { pass, fail, output } = await runUnderNode(`${name}.test.ts`);
      expect(fail, output.match(/^ *not ok[^]*?^ *\.\.\.$/gm)?.join("\n")).toBe(0);
      expect(pass).toBeGreaterThan(130);
    },
  );
});

async function runUnderNode(file: string): Promise<{ pass: number; fail: number; output: string }> {
  const args = ["--import", "tsx", "--test", "--test-reporter=tap", join(folder.path, file)];
  const output = await new Promise<string>((resolve) => {
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    execFile(
      process.execPath,
      args,
      { cwd: folder.path, env, maxBuffer: 20_000_000, timeout: 50_000 },
      (_, stdout) => {
        resolve(stdout);
      },
    );
  });
  const count = (name: string): number => Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(output)?.[1]);
  return { pass: count("pass"), fail: count("fail"), output };
}
