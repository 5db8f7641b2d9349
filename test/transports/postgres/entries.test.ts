import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type EncodedEntry,
  type Entry,
  textFrom,
  toEntries,
} from "../../../src/transports/postgres/entries.ts";

/** As Postgres gives a page's rows. */
function rowsOf(entries: readonly Entry[]): Parameters<typeof textFrom>[1] {
  const [first, last] = [entries[0], entries.at(-1)];
  return {
    range: first && last ? { start: first.start, stop: last.stop } : undefined,
    plain: entries.map(({ chunk, encoding }) => (encoding === null ? chunk : "")).join(""),
    encoded: entries
      .filter(({ encoding }) => encoding !== null)
      .map(({ start, stop, chunk }): EncodedEntry => [start, stop, chunk]),
  };
}

const anyText = fc.string({ unit: "binary" });
const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }))
  .map((units) => units.map((unit) => String.fromCharCode(unit)).join(""));

describe("text as rows", () => {
  test("any strings come out unit for unit, from every offset (G10)", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyText, anyUnits)), fc.nat(), (texts, offset) => {
        let tail = 0;
        const entries = texts.flatMap((text) => {
          const written = toEntries(tail, text);
          tail += text.length;
          return written;
        });
        const from = offset % (tail + 1);
        const reached = entries.filter(({ stop }) => stop > from);
        expect(textFrom(from, rowsOf(reached)) ?? "not all there").toBe(texts.join("").slice(from));
      }),
    );
  });

  test("what Postgres can't hold, or clients change, never stands in a row as it is", () => {
    for (const text of ["a\0b", "\ud800", "\udc00 low", "\ufeffmark"]) {
      const [entry] = toEntries(0, text);
      expect(entry?.encoding).toBe("utf16");
      expect(entry?.chunk).toMatch(/^[A-Za-z0-9+/=]+$/);
    }
  });

  test("a long text is cut into rows below 48 KiB, and never inside a surrogate pair", () => {
    const text = "😀".repeat(50_000);
    const entries = toEntries(7, text);
    for (const { chunk, encoding } of entries) {
      expect(encoding).toBeNull();
      expect(Buffer.byteLength(chunk)).toBeLessThan(48 * 1024);
    }
    expect(entries.map(({ chunk }) => chunk).join("")).toBe(text);
    expect(entries.at(-1)?.stop).toBe(7 + text.length);
  });

  test("rows with a hole between them are told from text", () => {
    const entries = ["one", "two", "three"].flatMap((text, index) => toEntries(index * 3, text));
    expect(textFrom(0, rowsOf(entries.filter((_, index) => index !== 1)))).toBeUndefined();
    expect(textFrom(0, rowsOf(entries.slice(1)))).toBeUndefined();
  });
});
