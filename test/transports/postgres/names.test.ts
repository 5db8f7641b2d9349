import { describe, expect, test } from "vitest";
import { encodeHints, parseHints } from "../../../src/transports/postgres/hints.ts";
import { createHint, createKey } from "../../../src/transports/postgres/names.ts";
import { createSchema, quoted } from "../../../src/transports/postgres/schema.ts";

describe("keys", () => {
  test("are the prefix and the id, as in the older version", () => {
    expect(createKey("resumable-stream", "chat-1")).toBe("resumable-stream:rs:chat-1");
  });

  test("of ids that Postgres can't hold are storable, short, and differ", () => {
    const ids = [
      "a\0b",
      "a\0c",
      "x".repeat(3_000),
      `${"x".repeat(2_999)}y`,
      "😀".repeat(2_000),
      `${"😀".repeat(1_999)}😁`,
    ];
    const keys = ids.map((id) => createKey("p", id));
    expect(new Set(keys).size).toBe(ids.length);
    for (const key of keys) {
      expect(key).not.toContain("\0");
      expect(key.isWellFormed()).toBe(true);
      expect(Buffer.byteLength(key)).toBeLessThan(2_600);
    }
  });
});

describe("hints", () => {
  test("of many streams fit Postgres' payloads, and all arrive", () => {
    const names = Array.from({ length: 2_000 }, (_, index) => createHint(`stream ${index}`));
    expect(new Set(names).size).toBe(2_000);
    const payloads = encodeHints("moved", names);
    for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
    expect(payloads.flatMap((payload) => parseHints(payload)?.names ?? [])).toEqual(names);
  });

  test("hold no part of an id", () => {
    expect(createHint("resumable-stream:rs:user@example.com")).toMatch(/^[0-9a-z]{11}$/);
  });

  test.each(["", "hello", "M x", '{"type":"moved"}'])("foreign payload %j is no hint", (payload) => {
    expect(parseHints(payload)).toBeUndefined();
  });
});

test("table names are quoted, and may name their schema", () => {
  expect(quoted('app.my "table"; drop')).toBe('"app"."my ""table""; drop"');
  expect(createSchema({ sessions: "app.s", chunks: "app.c" })).toContain('references "app"."s" (stream_id)');
});
