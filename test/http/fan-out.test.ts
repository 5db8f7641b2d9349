// Readers of one text in one process, over the bridge to Node: what they share, and what each keeps for itself.

import { describe, expect, test, vi } from "vitest";
import { createBody } from "../../src/http/body.ts";
import { EventFraming } from "../../src/http/event-framing.ts";
import { manualClock } from "../support/manual-clock.ts";
import { until, within } from "../support/wait.ts";
import { attach, bodiesOf, context, event, id, produce, settled } from "./fan-out-scene.ts";
import { NodeSink, sendByNode } from "./over-node.ts";

test("a text is framed once for all readers that have caught up, however many they are", async () => {
  const { push } = await produce();
  const readers = await Promise.all(Array.from({ length: 50 }, () => attach()));
  const framed = vi.spyOn(EventFraming.prototype, "push");
  for (let n = 0; n < 10; n += 1) await push(event(n));
  expect(framed).toHaveBeenCalledTimes(10);
  expect(bodiesOf(readers)).toBe(1);
  expect(readers[0]?.sink.text.match(/^data: event \d$/gm)).toHaveLength(10);
});

describe("a reader that is slow", () => {
  test("is left behind, and gets every byte once when it takes again; the others aren't slowed", async () => {
    const { source, push } = await produce();
    const fast = await Promise.all([attach(), attach()]);
    const slow = await attach({ maxWaiting: 2 });
    for (let n = 0; n < 100; n += 1) await push(event(n));
    // Its opening, and one more.
    expect(slow.sink.waiting).toHaveLength(2);
    expect(fast[0]?.sink.text).toContain("data: event 99\n");
    while (slow.sink.text !== fast[0]?.sink.text) {
      slow.sink.drain();
      await settled();
    }
    // It has joined again: text is framed once.
    slow.sink.drain();
    const framed = vi.spyOn(EventFraming.prototype, "push");
    await push(event(100));
    expect(framed).toHaveBeenCalledTimes(1);
    slow.sink.drain();
    source.end();
    const ends = Promise.all([slow, ...fast].map(({ sink }) => sink.ended));
    expect(await within(5_000, "the ends", ends)).toEqual(["closed", "closed", "closed"]);
    expect(bodiesOf([slow, ...fast])).toBe(1);
  });

  test("is given no more than a page at a time, however much there is", async () => {
    const { push } = await produce();
    const slow = await attach({ maxWaiting: 2 });
    const text = Array.from({ length: 40_000 }, (_, n) => event(n)).join("");
    await push(text);
    expect(slow.sink.waiting).toHaveLength(2);
    expect(slow.sink.text.length).toBeLessThan(3 * 65_536);
    slow.sink.drain();
    expect(slow.sink.waiting).toHaveLength(2);
  });

  test("gets no heartbeat while it takes nothing", async () => {
    const { stream } = await produce();
    const clock = manualClock();
    const framing = new EventFraming({ from: 0 });
    const followed = (await context.resumeExistingStream(id)) ?? stream;
    const sink = new NodeSink({ maxWaiting: 1 });
    void sendByNode(new Response(createBody({ stream: followed, framing, heartbeatMs: 100, clock })), sink);
    await settled();
    expect([sink.waiting.length, clock.waiting()]).toEqual([1, []]);
    sink.drain();
    expect(clock.waiting()).toEqual([100]);
    clock.pass(100);
    expect([sink.text.endsWith("\n\n: resumable-stream\n"), clock.waiting()]).toEqual([true, []]);
    sink.destroy();
  });
});

test("one timer beats for all readers, and none is left once they are gone", async () => {
  await produce();
  const clock = manualClock();
  const sinks = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const stream = await context.resumeExistingStream(id);
      if (!stream) throw new Error("No stream");
      const sink = new NodeSink();
      const framing = new EventFraming({ from: 0 });
      void sendByNode(new Response(createBody({ stream, framing, heartbeatMs: 100, clock })), sink);
      return sink;
    }),
  );
  await settled();
  expect(clock.waiting()).toEqual([100]);
  clock.pass(250);
  for (const { text } of sinks) expect(text.match(/^: resumable-stream$/gm)).toHaveLength(2);
  for (const sink of sinks) sink.destroy();
  expect(clock.waiting()).toEqual([]);
});

test("a reader that disconnects takes nothing from the others, and one that comes in the middle is in step", async () => {
  const { source, push } = await produce();
  const [first, second] = await Promise.all([attach(), attach()]);
  await push(event(1));
  first.sink.destroy();
  await within(5_000, "its answer to settle", first.sent);
  const third = await attach({ from: event(1).length });
  const framed = vi.spyOn(EventFraming.prototype, "push");
  await push(event(2));
  expect(framed).toHaveBeenCalledTimes(1);
  source.end();
  await within(5_000, "the ends", Promise.all([second.sink.ended, third.sink.ended]));
  expect(first.sink.text).not.toContain("event 2");
  expect(second.sink.text).toContain("event 2");
  expect(third.sink.text).toMatch(
    /^: resumable-stream offset=15 .*\n\n: resumable-stream caught-up\n\ndata: event 2\n/,
  );
});

test("text that isn't events breaks off all readers of events, and no reader of text", async () => {
  const { source, push } = await produce();
  const [events, plain] = [await attach(), await attach({ response: { format: "text" } })];
  await push("Hello");
  expect(await within(5_000, "its end", events.sink.ended)).toBe("broken");
  expect(String(events.errors[0])).toMatch(/isn't server-sent events/);
  source.end();
  expect(await within(5_000, "its end", plain.sink.ended)).toBe("closed");
  expect(plain.sink.text).toBe("Hello");
});

test("a server's response that throws is one reader's trouble", async () => {
  const { push, reading, source } = await produce();
  const [broken, other] = await Promise.all([attach(), attach()]);
  broken.sink.onWrite = () => {
    throw new Error("no socket");
  };
  await push(event(1));
  expect(await within(5_000, "its end", broken.sink.ended)).toBe("broken");
  expect(broken.errors).toEqual([new Error("no socket")]);
  source.end();
  expect(await within(5_000, "its end", other.sink.ended)).toBe("closed");
  expect((await reading.ended).kind).toBe("closed");
});

test("a signal of the app's takes its reader away, and no other", async () => {
  const { push } = await produce();
  const abort = new AbortController();
  const [gone, other] = [await attach({ response: { signal: abort.signal } }), await attach()];
  abort.abort(new Error("logged out"));
  expect(await within(5_000, "its end", gone.sink.ended)).toBe("broken");
  await push(event(1));
  expect(gone.sink.text).not.toContain("event 1");
  expect(other.sink.text).toContain("event 1");
});

test("pages of a text that many catch up with are framed once", async () => {
  const { push } = await produce();
  await push(Array.from({ length: 40_000 }, (_, n) => event(n)).join(""));
  const framed = vi.spyOn(EventFraming.prototype, "push");
  const slow = await Promise.all(Array.from({ length: 10 }, () => attach({ maxWaiting: 2 })));
  const whole = (): boolean => slow.every(({ sink }) => sink.text.includes("event 39999\n"));
  await until(
    () => {
      for (const { sink } of slow) sink.drain();
      return whole();
    },
    { what: "all to have caught up" },
  );
  expect(bodiesOf(slow)).toBe(1);
  // The last page is a short one, and each reader's own.
  const pages = Math.ceil(framed.mock.calls.reduce((units, [text]) => units + text.length, 0) / 65_536);
  expect(pages).toBeLessThan(2 * Math.ceil((40_000 * 19) / 65_536));
});
