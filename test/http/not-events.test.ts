// A text that readers of events would show nothing of: whoever sends it as events is told.

import { describe, expect, test } from "vitest";
import { streamResponse } from "../../src/http.ts";

describe("text that isn't events, sent as such,", () => {
  async function sent(chunks: string[], offset = 0) {
    let isCancelled = false;
    const stream = new ReadableStream<string>({
      start: (controller) => chunks.forEach((chunk) => controller.enqueue(chunk)),
      cancel: () => void (isCancelled = true),
    });
    const reader = streamResponse(stream, { offset }).body?.getReader();
    await reader?.read();
    const told = await reader?.read().then(
      () => "passed",
      (error: unknown) => String(error),
    );
    return { told, isCancelled };
  }

  test.each([
    ["a word", ["Hello"]],
    ["what begins like a field", ["dat", "abase"]],
    ["a line without a colon", ["\n\nidea\n"]],
    ["JSON", ['{"data": 1}\n']],
    ["a colon later on", ["note: x"]],
  ])("is told at its first line: %s", async (_, chunks) => {
    const { told, isCancelled } = await sent(chunks);
    expect(told).toMatch(/TypeError: The text isn't server-sent events.*format "text"/);
    expect(told).not.toContain(chunks.join("").trim().slice(0, 5));
    expect(isCancelled).toBe(true);
  });

  test.each([
    ["a comment", [": ok\n\n"]],
    ["an event's name first", ["event: a\ndata\n\n"]],
    ["a field over two chunks", ["da", "ta: a\n\n"]],
    ["blank lines first, and a byte order mark", ["\uFEFF\r\n\r\nid: 1\n\n"]],
    ["a field without a value", ["data\n\n"]],
  ])("but not %s", async (_, chunks) => {
    expect(await sent(chunks)).toEqual({ told: "passed", isCancelled: false });
  });

  test("and not where it is resumed, which may be anywhere in a line", async () => {
    expect((await sent(["rest of a line\n\n"], 7)).told).toBe("passed");
  });
});
