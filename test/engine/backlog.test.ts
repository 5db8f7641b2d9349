import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Backlog } from "../../src/engine/backlog.ts";

function filled(chunks: readonly string[]): Backlog {
  const backlog = new Backlog();
  // Announced one by one and in bursts, as chunks come.
  for (const [index, chunk] of chunks.entries()) {
    backlog.append(chunk);
    if (index % 97 < 50) backlog.announce();
  }
  backlog.announce();
  return backlog;
}

describe("a backlog", () => {
  test("gives the text from any offset, however it was chunked", () => {
    const chunks = fc.array(fc.string({ unit: "binary", maxLength: 30 }), { maxLength: 400 });
    fc.assert(
      fc.property(chunks, fc.nat(3_000), (given, offset) => {
        const text = given.join("");
        const slice = filled(given).read(offset, Number.MAX_SAFE_INTEGER);
        expect(slice.text).toBe(text.slice(offset));
        expect(slice.tail).toBe(text.length);
      }),
      { numRuns: 500 },
    );
  });

  test("gives at most what was asked for, and all of it piece by piece", () => {
    const chunks = fc.array(fc.string({ maxLength: 30 }), { maxLength: 200 });
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 50 }), (given, maxUnits) => {
        const backlog = filled(given);
        let text = "";
        while (text.length < backlog.tail) {
          const piece = backlog.read(text.length, maxUnits).text;
          expect(piece.length).toBeGreaterThan(0);
          expect(piece.length).toBeLessThanOrEqual(maxUnits);
          text += piece;
        }
        expect(text).toBe(given.join(""));
      }),
      { numRuns: 500 },
    );
  });

  test("doesn't cut a surrogate pair, unless nothing else is left", () => {
    const backlog = filled(["a😀b"]);
    expect(backlog.read(0, 2).text).toBe("a");
    expect(backlog.read(1, 1).text).toBe("\ud83d");
  });

  test("doesn't cut a surrogate pair whose halves came in two chunks (G10)", () => {
    const backlog = filled(["a\ud83d", "\ude00b"]);
    expect(backlog.read(0, 2).text).toBe("a");
    expect(backlog.read(0, 3).text).toBe("a😀");
    expect(backlog.read(1, 1).text).toBe("\ud83d");
  });

  test("neighbouring reads of whole pairs meet before one, and are well-formed", () => {
    const chunks = fc.array(fc.string({ unit: "grapheme", maxLength: 5 }), { maxLength: 40 });
    fc.assert(
      fc.property(chunks, fc.nat(50), fc.integer({ min: 2, max: 9 }), (given, start, maxUnits) => {
        const text = given.join("");
        const backlog = filled(given);
        fc.pre(start < text.length);
        let next = start;
        for (let from = start; from < text.length; from += maxUnits) {
          const slice = backlog.readPairs(from, maxUnits);
          expect(slice.text.isWellFormed()).toBe(true);
          expect(slice.from).toBeLessThanOrEqual(next);
          expect(slice.text).toBe(text.slice(slice.from, slice.from + slice.text.length));
          next = slice.from + slice.text.length;
        }
        expect(next).toBe(text.length);
      }),
    );
  });

  test("gives nothing beyond its tail", () => {
    expect(filled(["abc"]).read(7, 10)).toEqual({ from: 7, text: "", tail: 3 });
  });

  test("gives nothing before it is announced", () => {
    const backlog = filled(["abc"]);
    backlog.append("d");
    expect(backlog.read(0, 10)).toEqual({ from: 0, text: "abc", tail: 3 });
    backlog.announce();
    expect(backlog.read(0, 10)).toEqual({ from: 0, text: "abcd", tail: 4 });
  });

  test("tells its end, and wakes who waits for it once", () => {
    const backlog = filled(["abc"]);
    let calls = 0;
    const takenBack = [1, 2].map(() => () => (calls += 100));
    for (const callback of takenBack) backlog.onceMoved(callback);
    backlog.onceMoved(() => (calls += 1));
    for (const callback of takenBack) backlog.forget(callback);
    backlog.onceMoved(() => (calls += 10));
    backlog.append("d");
    backlog.finish("stopped");
    backlog.announce();
    expect(calls).toBe(11);
    expect(backlog.read(4, 10)).toEqual({ from: 4, text: "", tail: 4, end: "stopped" });
  });

  test("wakes once who waits twice, also if somebody before it has left", () => {
    const backlog = filled(["abc"]);
    let calls = 0;
    const [leaving, staying] = [() => undefined, () => void (calls += 1)];
    backlog.onceMoved(leaving);
    backlog.onceMoved(staying);
    backlog.forget(leaving);
    backlog.onceMoved(staying);
    backlog.append("d");
    backlog.announce();
    expect(calls).toBe(1);
  });

  test("keeps few pieces of a stream of many small chunks", () => {
    const backlog = filled(Array.from({ length: 100_000 }, () => "word "));
    expect(backlog.pieces).toBeLessThan(200);
  });
});
