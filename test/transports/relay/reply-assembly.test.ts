import fc from "fast-check";
import { expect, test } from "vitest";
import { ReplyAssembly, MAX_REPLY_UNITS } from "../../../src/transports/relay/reply-assembly.ts";
import type { Page } from "../../../src/port/transport.ts";

const TEXT = "0123456789abcdefghij";

/** A part of the text, as its producer of that epoch sends it. */
function part(from: number, to: number, epoch = 5): Page {
  return { epoch, from: 100 + from, text: TEXT.slice(from, to), tail: 100 + TEXT.length };
}

test("a reply of one frame is its page", () => {
  expect(new ReplyAssembly(100).add(part(0, 20), true)).toEqual(part(0, 20));
});

test("a reply of several frames is the page of them all", () => {
  const answer = new ReplyAssembly(100);
  expect(answer.add(part(0, 5), false)).toBeUndefined();
  expect(answer.add(part(5, 12), false)).toBeUndefined();
  expect(answer.add(part(12, 20), true)).toEqual(part(0, 20));
});

test("a reply with a frame missing is none, until it comes again", () => {
  const answer = new ReplyAssembly(100);
  answer.add(part(0, 5), false);
  expect(answer.add(part(12, 20), true)).toBeUndefined();
  // Cut elsewhere this time.
  answer.add(part(0, 8), false);
  expect(answer.add(part(8, 20), true)).toEqual(part(0, 20));
});

test("frames of a superseded producer are left out", () => {
  const answer = new ReplyAssembly(100);
  answer.add(part(0, 5), false);
  answer.add(part(0, 5, 6), false);
  expect(answer.add(part(5, 20, 5), true)).toBeUndefined();
  expect(answer.add(part(5, 20, 6), true)).toEqual(part(0, 20, 6));
});

test("frames in any order, dropped and doubled, never make a page with a hole", () => {
  const frame = fc.tuple(fc.nat(20), fc.nat(20), fc.boolean());
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 30 }), (frames) => {
      const answer = new ReplyAssembly(100);
      const whole: [got: Page, expected: Page][] = [];
      for (const [one, other, isLast] of frames) {
        const to = Math.max(one, other);
        const page = answer.add(part(Math.min(one, other), to), isLast);
        if (page) whole.push([page, part(0, to)]);
      }
      expect(whole.map(([got]) => got)).toEqual(whole.map(([, expected]) => expected));
    }),
  );
});

test("frames without end don't grow the process", () => {
  const answer = new ReplyAssembly(0);
  const text = "x".repeat(MAX_REPLY_UNITS / 4);
  let from = 0;
  for (let frame = 0; frame < 40; frame += 1) {
    answer.add({ epoch: 1, from, text, tail: from + text.length }, false);
    from += text.length;
  }
  const last = answer.add({ epoch: 1, from, text: "", tail: from }, true);
  expect(last?.text.length ?? 0).toBeLessThanOrEqual(MAX_REPLY_UNITS);
});

test("it tells whether frames came since it was last asked", () => {
  const answer = new ReplyAssembly(100);
  expect(answer.hasMoved()).toBe(false);
  answer.add(part(0, 5), false);
  expect(answer.hasMoved()).toBe(true);
  expect(answer.hasMoved()).toBe(false);
});
