// Options of a response that can't be used, and where the bounds of the others are.

import { describe, expect, test } from "vitest";
import { streamResponse } from "../../src/http.ts";
import { readBody } from "./bytes.ts";

test.each([
  ["stream", () => streamResponse("text" as unknown as ReadableStream<string>)],
  ["format", () => streamResponse(new ReadableStream(), { format: "sse" as "events" })],
  ["heartbeatMs", () => streamResponse(new ReadableStream(), { heartbeatMs: 0 })],
  ["heartbeatMs", () => streamResponse(new ReadableStream(), { heartbeatMs: Number.POSITIVE_INFINITY })],
  ["endEvent", () => streamResponse(new ReadableStream(), { endEvent: "a\nb" })],
  ["atEnd", () => streamResponse(new ReadableStream(), { atEnd: "end" as unknown as () => string })],
  ["atEnd", () => streamResponse(new ReadableStream(), { format: "text", atEnd: () => "" })],
  ["compact", () => streamResponse(new ReadableStream(), { compact: [] as unknown as () => [] })],
  ["compact", () => streamResponse(new ReadableStream(), { format: "text", compact: () => [] })],
])("a %s that can't be used is a TypeError naming it", (name, make) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(new RegExp(`^${name} must be`));
});

describe.each(["retryMs", "offset"] as const)("%s", (name) => {
  test.each([-1, 0.5, 1_000.5, 1e21, Number.NaN, Number.POSITIVE_INFINITY])(
    "%d is a TypeError: readers of events take digits only",
    (value) => {
      expect(() => streamResponse(new ReadableStream(), { [name]: value })).toThrow(
        new TypeError(`${name} must be a whole number from 0, got ${value}.`),
      );
    },
  );

  test("of another type is a TypeError that doesn't show it", () => {
    expect(() => streamResponse(new ReadableStream(), { [name]: "12" })).toThrow(
      new TypeError(`${name} must be a whole number from 0, got string.`),
    );
  });

  test.each([0, 1_000, Number.MAX_SAFE_INTEGER])("%d stands in the body as it is", async (value) => {
    const body = readBody(streamResponse(new ReadableStream(), { [name]: value }));
    expect(await body.next()).toMatch(
      new RegExp(`${name === "offset" ? "offset=" : "retry: "}${value}$`, "m"),
    );
    await body.leave();
  });
});
