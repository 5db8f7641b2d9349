// Where there is no stream to send, and where its reader has left without a word.

import { expect, describe, test } from "vitest";
import { streamResponse } from "../../src/http.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";

test("a context's answer that there is no stream is a 204, with the caller's headers", () => {
  const told = [null, undefined].map((none) => {
    const { status, headers } = streamResponse(none, { headers: { "x-own": "1" } });
    return [status, headers.get("stream-status"), headers.get("cache-control"), headers.get("x-own")];
  });
  expect(told).toEqual([
    [204, "done", "no-store", "1"],
    [204, "absent", "no-store", "1"],
  ]);
});

describe("the request's signal", () => {
  test("takes its reader away, where the server doesn't cancel the body, and stops nothing", async () => {
    await using context = createResumableStreamContext({ waitUntil: null });
    const source = manualSource();
    const stream = await context.createNewResumableStream("a", source.makeStream);
    const followed = await context.resumeExistingStream("a");
    const request = new AbortController();
    const body = streamResponse(followed, { signal: request.signal }).body?.getReader();
    await body?.read();
    const next = body?.read();
    request.abort();
    await expect(next).rejects.toThrow(/abort/);
    source.push("data: a\n\n");
    source.end();
    expect(await new Response(streamResponse(stream).body).text()).toContain("data: a");
  });

  test("that has aborted already follows nothing", async () => {
    let reason: unknown;
    const stream = new ReadableStream<string>({ cancel: (why) => void (reason = why) });
    const { body } = streamResponse(stream, { signal: AbortSignal.abort("gone") });
    await expect(body?.getReader().read()).rejects.toBe("gone");
    expect(reason).toBe("gone");
  });

  test("of another type is a TypeError", () => {
    expect(() => streamResponse(new ReadableStream(), { signal: {} as AbortSignal })).toThrow(
      /signal must be/,
    );
  });
});
