import { describe, expect, test } from "vitest";
import { parseLive } from "../../../src/transports/redis-log/live.ts";

describe("live messages", () => {
  test("say where their text belongs, and how it ends", () => {
    expect(parseLive("17 3 8 - t\nhello")).toEqual({ epoch: 17, from: 3, text: "hello", tail: 8 });
    expect(parseLive("17 0 0 - t\n")).toEqual({ epoch: 17, from: 0, text: "", tail: 0 });
    expect(parseLive("17 8 8 done t\n")).toEqual({ epoch: 17, from: 8, text: "", tail: 8, end: "done" });
    expect(parseLive('17 0 1 - j\n"\\ud800"')).toEqual({ epoch: 17, from: 0, text: "\ud800", tail: 1 });
    expect(parseLive("17 0 3 - t\n\n\n\n")).toMatchObject({ text: "\n\n\n" });
  });

  test.each([
    "",
    "moved",
    "17 3 8 - t",
    "17 3 9 - t\nhello",
    "17 8 3 - t\nhello",
    "-1 3 8 - t\nhello",
    "1e3 3 8 - t\nhello",
    "17 3 8 ended t\nhello",
    "17 3 8 - x\nhello",
    '17 0 1 - j\n"',
    "17 0 1 - j\n1",
    `${"9".repeat(200)} 0 0 - t\n`,
  ])("of somebody else aren't believed: %j", (message) => {
    expect(parseLive(message)).toBeUndefined();
  });
});
