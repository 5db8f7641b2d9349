import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8Length } from "../../../src/lib/text.ts";
import { toPieces } from "../../../src/transports/log/pieces.ts";
import { joinFrom, parseEntries, toWords } from "../../../src/transports/redis-log/runs.ts";

const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }))
  .map((units) => units.map((unit) => String.fromCharCode(unit)).join(""));
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  anyUnits,
  fc.string({ unit: "grapheme", size: "large" }),
);

/** The two keys of a text, as the script for writes fills them. */
class Kept {
  readonly entries: [id: string, fields: [kind: string, chunk: string]][] = [];
  tail = 0;
  openFrom = 0;
  open = "";
  openBytes = 0;

  write(text: string): void {
    const { words, openBytes } = toWords(toPieces(this.tail, text), this.openBytes);
    for (let at = 0; at < words.length; at += 3) {
      const [op = "", stop, chunk = ""] = words.slice(at, at + 3);
      if (op !== "a") this.#seal();
      this.tail = Number(stop);
      if (op === "a" || op === "s") this.open += chunk;
      else {
        this.entries.push([`7-${stop}`, [op, chunk]]);
        this.openFrom = this.tail;
      }
    }
    this.openBytes = openBytes;
  }

  textFrom(from: number): string | undefined {
    const open = this.open === "" ? undefined : { stop: this.tail, text: this.open };
    const entries = parseEntries(this.entries.filter(([id]) => Number(id.split("-")[1]) > from));
    return joinFrom(from, entries, open);
  }

  #seal(): void {
    if (this.tail === this.openFrom) return;
    this.entries.push([`7-${this.tail}`, ["t", this.open]]);
    this.open = "";
    this.openFrom = this.tail;
  }
}

describe("text in entries and an open tail", () => {
  test("any strings come out unit for unit, from every offset (G10)", () => {
    fc.assert(
      fc.property(fc.array(anyText), fc.nat(), (texts, offset) => {
        const kept = new Kept();
        for (const text of texts) kept.write(text);
        const whole = texts.join("");
        const from = offset % (whole.length + 1);
        expect(kept.textFrom(from)).toBe(whole.slice(from));
        expect(kept.openBytes).toBe(Buffer.byteLength(kept.open));
      }),
    );
  });

  test("no entry is larger than the classes of the server's allocator have room for", () => {
    for (const unit of ["a", "é", "語", "😀", "a😀"]) {
      const kept = new Kept();
      for (const length of [1, 3, 700, 3_999, 4_001, 20_000, 100_000]) kept.write(unit.repeat(length));
      for (const [, [kind, chunk]] of kept.entries) {
        expect(kind).toBe("t");
        expect(Buffer.byteLength(chunk)).toBeLessThanOrEqual(16_300);
      }
      expect(Buffer.byteLength(kept.open)).toBeLessThanOrEqual(4_000);
    }
  });

  test("a lone surrogate is kept as JSON, and little of what stands beside it", () => {
    const kept = new Kept();
    kept.write(`${"x".repeat(10_000)}\ud800${"y".repeat(10_000)}`);
    const encoded = kept.entries.filter(([, [kind]]) => kind === "j");
    expect(encoded.length).toBe(1);
    expect(encoded[0]?.[1][1].length).toBeLessThan(6 * 2_700);
  });

  test("a hole is told from text", () => {
    const entries = [
      ["7-3", ["t", "abc"]],
      ["7-9", ["t", "ghi"]],
    ];
    expect(joinFrom(0, parseEntries(entries), undefined)).toBeUndefined();
    expect(joinFrom(5, parseEntries(entries.slice(1)), undefined)).toBeUndefined();
    expect(joinFrom(7, parseEntries(entries.slice(1)), undefined)).toBe("hi");
  });

  test("bytes are counted as UTF-8 has them", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      }),
    );
  });
});
