// What an answer to a resume means: nothing is believed that it doesn't say.

import { describe, expect, test } from "vitest";
import { judge, retryAfterMs } from "../../src/client/answer.ts";

describe("an answer", () => {
  const headersOf = (init: Record<string, string | null>): Headers =>
    new Headers(Object.entries(init).filter((entry): entry is [string, string] => entry[1] !== null));
  const asked = {
    position: "9.k1",
    type: "text/plain",
    isOwn: false,
    isTrusted: false,
    closed: undefined,
    left: 0,
  };
  type Given = Parameters<typeof judge>[1];

  function judged(
    status: number,
    headers: Record<string, string | null>,
    change: Partial<Given> = {},
  ): string {
    const response = new Response(null, { status, headers: headersOf(headers) });
    const event = judge(response, { ...asked, ...change }, 0);
    return event.type === "judged" ? (event.verdict.code ?? event.verdict.end ?? "left") : event.type;
  }

  test.each([
    [204, "done", "MISSED_END"],
    [204, null, "MISSED_END"],
    [204, "absent", "PRODUCER_LOST"],
    [422, null, "MISSED_END"],
    [410, "lost", "PRODUCER_LOST"],
    [410, "superseded", "PRODUCER_LOST"],
    [410, "failed", "SOURCE_FAILED"],
    [410, null, "PRODUCER_LOST"],
    [400, null, "REFUSED"],
    [403, null, "REFUSED"],
    [404, null, "REFUSED"],
    [408, null, "failed"],
    [429, null, "failed"],
    [500, null, "failed"],
    [503, "unavailable", "failed"],
  ])("of status %s, %s: %s", (status, streamStatus, expected) => {
    expect(judged(status, { "stream-status": streamStatus })).toBe(expected);
  });

  test.each([
    [204, "done", "ours", "done"],
    [204, null, "other", "done"],
    [204, "absent", "ours", "MISSED_END"],
    [410, "lost", "ours", "PRODUCER_LOST"],
    [500, null, "ours", "failed"],
    [500, null, "other", "REFUSED"],
    [503, null, "other", "failed"],
  ] as const)("of status %s, %s, after a clean close of %s: %s", (status, streamStatus, closed, expected) => {
    expect(judged(status, { "stream-status": streamStatus }, { closed })).toBe(expected);
  });

  test.each([
    ["the offset asked for", { "stream-offset": "9" }, {}, "opened"],
    ["no offset", {}, {}, "NOT_RESUMED"],
    ["another offset", { "stream-offset": "0" }, {}, "NOT_RESUMED"],
    ["what is no offset", { "stream-offset": "9.0" }, {}, "NOT_RESUMED"],
    ["no offset, at the caller's own address", {}, { isTrusted: true }, "opened"],
    [
      "another offset, at the caller's own address",
      { "stream-offset": "0" },
      { isTrusted: true },
      "NOT_RESUMED",
    ],
    ["no offset, to be said by the events' first comment", {}, { isOwn: true }, "opened"],
    ["the text's generation", { "stream-offset": "9", "stream-generation": "k1" }, {}, "opened"],
    ["another generation", { "stream-offset": "9", "stream-generation": "k2" }, {}, "PRODUCER_LOST"],
    [
      "another generation, after zeros",
      { "stream-offset": "9001", "stream-generation": "k2" },
      { position: "9001.k01" },
      "PRODUCER_LOST",
    ],
    [
      "the generation of a claim that came late",
      { "stream-offset": "9", "stream-generation": "k2" },
      { position: "9.0k1" },
      "opened",
    ],
    ["another media type", { "stream-offset": "9", "content-type": "text/html" }, {}, "REFUSED"],
  ])("of status 200 with %s: %s", (_what, headers, change, expected) => {
    expect(judged(200, headers, change)).toBe(expected);
  });

  test("of status 204 that names the offset is the proof of all, or of what is missing", () => {
    expect(judged(204, { "stream-offset": "9" })).toBe("done");
    expect(judged(204, { "stream-offset": "12" }, { closed: "ours" })).toBe("MISSED_END");
    expect(judged(204, { "stream-offset": "9", "stream-generation": "k2" }, { closed: "ours" })).toBe(
      "PRODUCER_LOST",
    );
  });

  test.each([
    ["30", 30_000],
    ["Thu, 01 Jan 1970 00:01:00 GMT", 50_000],
    ["Thu, 01 Jan 1970 00:00:01 GMT", undefined],
    ["86400", 300_000],
    ["soon", undefined],
    ["-1", undefined],
  ])("is to be followed by another after %s: %s ms", (value, expected) => {
    expect(retryAfterMs(new Headers({ "retry-after": value }), 10_000)).toBe(expected);
  });
});
