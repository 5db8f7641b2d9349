// A stream as a response.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { generationOf, streamResponse } from "../../src/http.ts";
import { createBody } from "../../src/http/body.ts";
import { EventFraming } from "../../src/http/event-framing.ts";
import { plainFraming } from "../../src/http/framing.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { manualSource, mustNotProduce } from "../../src/testing/manual-source.ts";
import { manualClock } from "../support/manual-clock.ts";
import { until } from "../support/wait.ts";
import { parseEvents } from "./parse-events.ts";
import { readBody } from "./bytes.ts";

let context: ResumableStreamContext;
let ids = 0;

beforeEach(() => {
  context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
});

afterEach(() => context.close());

async function produce() {
  const id = `response-${++ids}`;
  const source = manualSource();
  const stream = await context.createNewResumableStream(id, source.makeStream);
  if (!stream) throw new Error("No stream");
  return { id, source, stream };
}

async function follow(id: string, offset: number): Promise<ReadableStream<string>> {
  const stream = await context.resumeExistingStream(id, offset);
  if (!stream) throw new Error("No stream");
  return stream;
}

describe("headers", () => {
  test("say what the body is, and that nobody may gather or keep it", () => {
    const { headers, status } = streamResponse(new ReadableStream());
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-store, no-transform",
      "x-accel-buffering": "no",
      "stream-status": "running",
      "stream-offset": "0",
    });
    expect(streamResponse(new ReadableStream(), { format: "text" }).headers.get("content-type")).toBe(
      "text/plain; charset=utf-8",
    );
  });

  test("name the offset the stream starts at, also where a caller that named one became the producer", async () => {
    const { id, source } = await produce();
    source.push("0123456789");
    expect(streamResponse(await follow(id, 4)).headers.get("stream-offset")).toBe("4");
    const fresh = await context.resumableStream(`fresh-${id}`, manualSource().makeStream, 4);
    expect(streamResponse(fresh ?? new ReadableStream()).headers.get("stream-offset")).toBe("0");
  });

  test("of the caller are added, or take the place of ours", () => {
    const { headers } = streamResponse(new ReadableStream(), {
      headers: { "x-vercel-ai-ui-message-stream": "v1", "cache-control": "no-store" },
    });
    expect(headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    expect(headers.get("cache-control")).toBe("no-store, no-transform");
  });

  test("of the caller for the cache keep no-transform, without which middleware compresses and holds back", () => {
    const of = (value: string) =>
      streamResponse(new ReadableStream(), { headers: { "Cache-Control": value } }).headers.get(
        "cache-control",
      );
    expect(of("private, max-age=0")).toBe("private, max-age=0, no-transform");
    expect(of("No-Transform, no-cache")).toBe("No-Transform, no-cache");
    expect(of('ext="no-transform"')).toBe('ext="no-transform", no-transform');
    expect(of("no-transforms")).toBe("no-transforms, no-transform");
    expect(of("")).toBe("no-transform");
  });

  test("of the caller may set several cookies", () => {
    const { headers } = streamResponse(new ReadableStream(), {
      headers: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    });
    expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });
});

describe("UTF-8", () => {
  test.each(["events", "text"] as const)("never splits a code point (%s)", async (format) => {
    const { source, stream } = await produce();
    // readBody decodes each piece by itself, and refuses half a character.
    const body = readBody(streamResponse(stream, { format }));
    source.push("data: \uD83C", "\uDF0A wave", "\n\n");
    source.end();
    const { text, end } = await body.rest();
    expect(end).toBe("closed");
    expect(text).toContain("data: 🌊 wave\n");
  });

  test("writes a half without its other as one replacement character, at the end too", async () => {
    const { source, stream } = await produce();
    const body = readBody(streamResponse(stream, { format: "text" }));
    source.push("a\uD83C", "b\uDF0A", "c\uD83C");
    source.end();
    expect(await body.rest()).toEqual({ text: "a\uFFFDb\uFFFDc\uFFFD", end: "closed" });
  });

  test("keeps a byte order mark of a text", async () => {
    const { source, stream } = await produce();
    const body = readBody(streamResponse(stream, { format: "text" }));
    source.push("\uFEFFtext");
    source.end();
    expect(await body.rest()).toEqual({ text: "\uFEFFtext", end: "closed" });
  });
});

describe("a heartbeat", () => {
  const events = new EventFraming({ from: 0 });

  test("goes out after each silence of heartbeatMs, and carries no id", async () => {
    const { source, stream } = await produce();
    const clock = manualClock();
    const body = readBody(new Response(createBody({ stream, framing: events, heartbeatMs: 100, clock })));
    expect(await body.next()).toBe(": resumable-stream offset=0\n\n: resumable-stream caught-up\n\n");
    for (let beat = 0; beat < 2; beat++) {
      const next = body.next();
      clock.pass(99);
      expect(clock.waiting()).toEqual([1]);
      clock.pass(1);
      expect(await next).toBe(": resumable-stream\n");
    }
    const next = body.next();
    clock.pass(99);
    source.push("data: a\n\n");
    expect(await next).toBe("data: a\nid: 9\n\n");
    expect(clock.waiting()).toEqual([]);
  });

  test("isn't made for a reader that doesn't read", async () => {
    const { stream } = await produce();
    const clock = manualClock();
    const body = readBody(new Response(createBody({ stream, framing: events, heartbeatMs: 100, clock })));
    await body.next();
    expect(clock.waiting()).toEqual([]);
    await body.leave();
  });

  test("is never put into plain text", async () => {
    const { source, stream } = await produce();
    const clock = manualClock();
    const body = readBody(
      new Response(createBody({ stream, framing: plainFraming, heartbeatMs: 100, clock })),
    );
    const first = body.next();
    await until(() => clock.waiting().length > 0, { what: "the reader to wait" });
    clock.pass(1_000);
    source.push("text");
    expect(await first).toBe("text");
    source.end();
    expect(await body.rest()).toEqual({ text: "", end: "closed" });
  });
});

describe("the end", () => {
  test("done and stopped close the body, and a comment tells them apart", async () => {
    const [first, second] = [await produce(), await produce()];
    const bodies = [first, second].map(({ stream }) => readBody(streamResponse(stream)));
    for (const { source } of [first, second]) source.push("data: a\n\n");
    first.source.end();
    await context.stopStream(second.id);
    const ends = await Promise.all(bodies.map((body) => body.rest()));
    expect(ends.map(({ end }) => end)).toEqual(["closed", "closed"]);
    expect(ends.map(({ text }) => /end=(\w+)\n$/.exec(text)?.[1])).toEqual(["done", "stopped"]);
  });

  test("failed breaks the body off, after the text so far and the comment", async () => {
    const { id, source, stream } = await produce();
    const mark = generationOf(stream);
    const bodies = [readBody(streamResponse(stream)), readBody(streamResponse(await follow(id, 0)))];
    source.push("data: a\n\n");
    source.fail(new Error("model overloaded"));
    for (const body of bodies) {
      expect(await body.rest()).toEqual({
        text:
          `: resumable-stream offset=0 generation=${mark}\n\n: resumable-stream caught-up\n\n` +
          `data: a\nid: 9.${mark}\n\n: resumable-stream end=failed\n`,
        end: "broken",
      });
    }
  });

  test("lost does too", async () => {
    const { id, source, stream } = await produce();
    const body = readBody(streamResponse(await follow(id, 0)));
    source.push("data: a\n\n");
    await context.createNewResumableStream(id, manualSource().makeStream);
    const { text, end } = await body.rest();
    expect({ end, last: text.split("\n").at(-2) }).toEqual({
      end: "broken",
      last: ": resumable-stream end=lost",
    });
    await stream.cancel();
  });

  test("a context that closes breaks the body off without an end, and says in events that the stream goes on elsewhere", async () => {
    const { id, source } = await produce();
    const closing = createResumableStreamContext({ waitUntil: null });
    const body = readBody(streamResponse(await closing.resumeExistingStream(id)));
    const plain = readBody(streamResponse(await closing.resumeExistingStream(id), { format: "text" }));
    source.push("data: a\n\ndata: half");
    while (!(await body.next())?.includes("data: a"));
    expect(await plain.next()).toBe("data: a\n\ndata: half");
    await closing.close({ drainMs: 60_000 });
    expect(await body.rest()).toEqual({ text: ": resumable-stream moved\n", end: "broken" });
    expect(await plain.rest()).toEqual({ text: "", end: "broken" });
    expect(await context.hasExistingStream(id)).toBe(true);
  });

  test("plain text closes, or breaks off, and says nothing", async () => {
    const { source, stream } = await produce();
    const body = readBody(streamResponse(stream, { format: "text" }));
    source.push("text");
    source.fail(new Error("model overloaded"));
    expect(await body.rest()).toEqual({ text: "text", end: "broken" });
  });

  test("endEvent tells an EventSource", async () => {
    const { id, source, stream } = await produce();
    const body = readBody(streamResponse(stream, { endEvent: "end" }));
    source.push("data: a\n\n");
    await body.next();
    await context.stopStream(id);
    expect((await body.rest()).text).toContain("event: end\ndata: stopped\n\n");
  });

  test("atEnd adds events before the end's mark, without an id, and outside an event that was left unfinished", async () => {
    const { id, source, stream } = await produce();
    const atEnd = (end: string): string => `data: ${end} it is\n\n`;
    const body = readBody(streamResponse(stream, { atEnd }));
    source.push("data: a\n\ndata: unfin");
    await body.next();
    await context.stopStream(id);
    const { text } = await body.rest();
    expect(parseEvents(text).map(({ data }) => data)).toEqual(["a", "stopped it is"]);
    expect(text).toContain("\n\ndata: stopped it is\n\ndata: unfin\n: resumable-stream end=stopped\n");
  });
});

describe("a reader", () => {
  test("that doesn't read isn't read for", async () => {
    let pulled = 0;
    const stream = new ReadableStream<string>(
      { pull: (controller) => controller.enqueue(`data: ${++pulled}\n\n`) },
      { highWaterMark: 0 },
    );
    const body = readBody(streamResponse(stream));
    await body.next();
    await body.next();
    expect(pulled).toBe(1);
    await body.leave();
  });

  test("that leaves stops nothing, and leaves no timer behind", async () => {
    const { id, source, stream } = await produce();
    const clock = manualClock();
    const framing = new EventFraming({ from: 0 });
    const body = readBody(new Response(createBody({ stream, framing, heartbeatMs: 100, clock })));
    await body.next();
    const next = body.next();
    await until(() => clock.waiting().length === 1, { what: "the reader to wait" });
    await body.leave();
    expect(await next).toBeUndefined();
    expect(clock.waiting()).toEqual([]);
    const after = readBody(streamResponse(await follow(id, 0)));
    source.push("data: a\n\n");
    source.end();
    expect((await after.rest()).text).toContain("data: a\n");
  });
});

test("a stream that was piped through another is served from the offset given", async () => {
  const { id, source } = await produce();
  source.push("data: a\n\ndata: b\n\n");
  const piped = (await context.resumableStream(id, mustNotProduce, 9))?.pipeThrough(
    new TransformStream<string, string>(),
  );
  source.end();
  const body = readBody(streamResponse(piped ?? new ReadableStream<string>(), { offset: 9 }));
  expect((await body.rest()).text).toContain("data: b\nid: 18\n\n: resumable-stream end=done\n");
});
