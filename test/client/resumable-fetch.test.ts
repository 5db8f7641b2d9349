// resumableFetch against a real server behind a proxy.

import { setTimeout as pass } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { endOf } from "../../src/client.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { until } from "../support/wait.ts";
import { endAfterNext, errorOf, letRetry, readText } from "./reader.ts";
import { type ClientScene, openScene } from "./scene.ts";

describe.each(["events", "text"] as const)("%s", (format) => {
  const id = (offset: number) => (format === "events" ? `id: ${offset}\n` : "");

  test("go on where the connection broke, in the same body", async () => {
    await using scene = await openScene({ format });
    const reading = readText(await scene.fetch());
    scene.source.push("data: 🌊 one\n\n");
    const first = `data: 🌊 one\n${id(14)}\n`;
    await reading.reached(first.length);
    scene.proxy.cut();
    await letRetry(scene);
    scene.source.push("data: two\n\n");
    await reading.reached(first.length + 1);
    scene.source.end();
    expect(await reading.ended).toEqual({ kind: "closed", text: `${first}data: two\n${id(25)}\n` });
    // Plain text says nothing of its end: it is asked for.
    const asksForEnd = format === "text" ? ["?resumeAt=25"] : [];
    expect(scene.requests).toEqual(["", "?resumeAt=14", ...asksForEnd]);
  });

  test("error with the code of what happened to the stream", async () => {
    await using scene = await openScene({ format });
    const reading = readText(await scene.fetch());
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    scene.proxy.cut();
    scene.source.fail(new Error("model overloaded"));
    await until(async () => (await scene.context.hasExistingStream(scene.id)) === null, { what: "its end" });
    await letRetry(scene);
    expect((await errorOf(reading)).code).toBe("PRODUCER_LOST");
  });

  test("error with MISSED_END where the stream ended meanwhile, and never close on a part of the text", async () => {
    await using scene = await openScene({ format });
    const reading = readText(await scene.fetch());
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    await scene.proxy.refuse();
    scene.source.push("data: unseen\n\n");
    scene.source.end();
    await until(async () => (await scene.context.hasExistingStream(scene.id)) === "DONE", {
      what: "its end",
    });
    await scene.proxy.accept();
    await letRetry(scene);
    expect(await errorOf(reading)).toMatchObject({ code: "MISSED_END", status: 204 });
  });

  test("error with SOURCE_FAILED where a server says that the stream failed with the text the reader has", async () => {
    await using scene = await openScene({ format });
    const response = await scene.fetch();
    const reading = readText(response);
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    scene.answers.push(() => new Response(null, { status: 410, headers: { "stream-status": "failed" } }));
    scene.proxy.cut();
    await letRetry(scene);
    expect(await errorOf(reading)).toMatchObject({ code: "SOURCE_FAILED", status: 410 });
    expect(await endOf(response)).toBe("failed");
  });

  test("error with NOT_RESUMED where the text that a server goes on with begins elsewhere", async () => {
    await using scene = await openScene({ format });
    const response = await scene.fetch();
    const reading = readText(response);
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    scene.answers.push(() => {
      const body = format === "events" ? ": resumable-stream offset=0\n\ndata: new\nid: 11\n\n" : "new";
      const type = format === "events" ? "text/event-stream" : "text/plain";
      const headers = { "content-type": type, "stream-offset": "0" };
      return new Response(body, { headers });
    });
    scene.proxy.cut();
    await letRetry(scene);
    expect(await errorOf(reading)).toMatchObject({ code: "NOT_RESUMED", status: 200 });
    expect(reading.text()).not.toContain("new");
    expect(await endOf(response)).toBeUndefined();
  });
});

describe("the end", () => {
  test.each([
    ["done", (scene: ClientScene) => scene.source.end(), undefined],
    ["stopped", (scene: ClientScene) => scene.context.stopStream(scene.id), undefined],
    ["failed", (scene: ClientScene) => scene.source.fail(new Error("overloaded")), "SOURCE_FAILED"],
    [
      "lost",
      (scene: ClientScene) => scene.context.createNewResumableStream(scene.id, manualSource().makeStream),
      "PRODUCER_LOST",
    ],
  ] as const)("%s is told apart, after the whole text", async (end, makeEnd, code) => {
    await using scene = await openScene();
    const response = await scene.fetch();
    const reading = readText(response);
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    await makeEnd(scene);
    const { text, ...outcome } = await reading.ended;
    expect(text).toBe("data: a\nid: 9\n\n");
    expect(outcome).toMatchObject(
      code === undefined ? { kind: "closed" } : { kind: "errored", error: { code } },
    );
    expect(await endOf(response)).toBe(end);
    expect(scene.platform.wakers()).toBe(0);
    expect(scene.clock.waiting()).toEqual([]);
    expect(scene.requests).toHaveLength(1);
  });
});

describe("a bad end comes after the whole text", () => {
  const events = "data: a\nid: 9\n\ndata: b\nid: 18\n\ndata: c\nid: 27\n\n";

  /** All events and the end come in one piece. */
  async function fetchFailed(scene: ClientScene): Promise<ReadableStream<string>> {
    const body = `: resumable-stream offset=0\n\n${events}: resumable-stream end=failed\n`;
    scene.answers.push(() => new Response(body, { headers: { "content-type": "text/event-stream" } }));
    const response = await scene.fetch();
    return (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream());
  }

  /** Makes many pieces of one. */
  const splitAt = (separator: RegExp) =>
    new TransformStream<string, string>({
      transform(text, controller) {
        for (const piece of text.split(separator)) controller.enqueue(piece);
      },
    });

  test("to a reader behind pipes that reads as fast as it can, whatever they make of it", async () => {
    await using scene = await openScene();
    const reading = read(
      (await fetchFailed(scene)).pipeThrough(splitAt(/(?:)/)).pipeThrough(splitAt(/(?:)/)),
    );
    expect((await errorOf(reading)).code).toBe("SOURCE_FAILED");
    expect(reading.text()).toBe(events);
  });

  test("to a slow reader behind a parser of events", async () => {
    await using scene = await openScene();
    const reader = (await fetchFailed(scene)).pipeThrough(splitAt(/(?<=\n\n)/)).getReader();
    const pieces: (string | undefined)[] = [];
    for (let piece = 0; piece < 3; piece++) {
      // Longer than all that happens by itself.
      await pass(50);
      pieces.push((await reader.read()).value);
    }
    expect(pieces.join("")).toBe(events);
    await expect(reader.read()).rejects.toMatchObject({ code: "SOURCE_FAILED" });
  });
});

test("a stream that failed while the reader was away is told from one that was lost", async () => {
  for (const [status, code] of [
    ["failed", "SOURCE_FAILED"],
    ["lost", "PRODUCER_LOST"],
  ] as const) {
    await using scene = await openScene();
    const response = await scene.fetch();
    const reading = readText(response);
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    scene.answers.push(() => new Response(null, { status: 410, headers: { "stream-status": status } }));
    scene.proxy.cut();
    await letRetry(scene);
    expect(await errorOf(reading)).toMatchObject({ code, status: 410 });
    expect(await endOf(response)).toBe(status);
  }
});

describe("a new connection is made", () => {
  test("at once when the network is back, or the page is looked at again", async () => {
    for (const why of ["online", "visible"] as const) {
      await using scene = await openScene();
      scene.platform.offline = true;
      const reading = readText(await scene.fetch());
      scene.source.push("data: a\n\n");
      await reading.reached(9);
      await until(() => scene.clock.waiting()[0] === 40_000, { what: "the client to read on" });
      scene.proxy.cut();
      // Offline it waits longer, and no longer than that: the flag may be wrong.
      await until(() => scene.clock.waiting()[0] === 1_000, { what: "the cut to be noticed" });
      scene.platform.wake(why);
      await endAfterNext(scene, reading);
      expect((await reading.ended).kind).toBe("closed");
      expect(scene.requests).toEqual(["", "?resumeAt=9"]);
    }
  });

  test("in place of one that was quiet for a while when the page is looked at again", async () => {
    await using scene = await openScene();
    const reading = readText(await scene.fetch());
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    scene.platform.wake("visible");
    expect(scene.requests).toHaveLength(1);
    scene.proxy.blackHole();
    scene.clock.pass(5_001);
    scene.platform.wake("visible");
    scene.proxy.heal();
    await endAfterNext(scene, reading);
    expect(await reading.ended).toEqual({ kind: "closed", text: "data: a\nid: 9\n\ndata: z\nid: 18\n\n" });
    expect(scene.requests).toEqual(["", "?resumeAt=9"]);
  });

  test("when nothing came for stallTimeoutMs, also where the answer itself doesn't come", async () => {
    await using scene = await openScene();
    const reading = readText(await scene.fetch({ stallTimeoutMs: 20_000 }));
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    await until(() => scene.clock.waiting()[0] === 20_000, { what: "the client to wait" });
    scene.answers.push(() => new Promise<Response>(() => undefined));
    scene.clock.pass(20_000);
    await letRetry(scene);
    await until(() => scene.clock.waiting()[0] === 20_000, { what: "the client to wait" });
    scene.clock.pass(20_000);
    await letRetry(scene);
    await endAfterNext(scene, reading);
    expect((await reading.ended).kind).toBe("closed");
    expect(scene.requests).toEqual(["", "?resumeAt=9", "?resumeAt=9"]);
  });

  test("maxAttempts times without progress, later and later; then the body errors", async () => {
    await using scene = await openScene();
    const reading = readText(await scene.fetch({ maxAttempts: 4 }));
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    for (let attempt = 0; attempt < 4; attempt++) {
      scene.answers.push(() => new Response(null, { status: 503 }));
    }
    scene.proxy.cut();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      const asked = scene.requests.length;
      await until(() => scene.requests.length === asked && scene.clock.waiting()[0] === 500 * 2 ** attempt, {
        what: `attempt ${attempt}`,
      });
      delays.push(scene.clock.waiting()[0] ?? 0);
      await letRetry(scene);
    }
    expect(delays).toEqual([500, 1_000, 2_000, 4_000]);
    expect(await errorOf(reading)).toMatchObject({ code: "UNREACHABLE", status: 503 });
  });

  test("not where the server refuses", async () => {
    await using scene = await openScene();
    const reading = readText(await scene.fetch());
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    scene.answers.push(() => new Response(null, { status: 403 }));
    scene.proxy.cut();
    await letRetry(scene);
    expect(await errorOf(reading)).toMatchObject({ code: "REFUSED", status: 403 });
  });
});

describe("a reader", () => {
  test("that leaves ends the connection, and leaves nothing behind", async () => {
    await using scene = await openScene();
    const response = await scene.fetch();
    const reading = readText(response);
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    await reading.leave();
    expect(await endOf(response)).toBeUndefined();
    expect(scene.platform.wakers()).toBe(0);
    expect(scene.clock.waiting()).toEqual([]);
    expect(await scene.context.hasExistingStream(scene.id)).toBe(true);
  });

  test("whose signal aborts gets its reason, before and after the answer", async () => {
    await using scene = await openScene();
    const abort = new AbortController();
    const response = await scene.fetch({ signal: abort.signal });
    const reading = readText(response);
    const reason = new Error("the page is left");
    abort.abort(reason);
    expect(await reading.ended).toEqual({ kind: "errored", text: "", error: reason });
    expect(await endOf(response)).toBeUndefined();
    await expect(scene.fetch({ signal: abort.signal })).rejects.toBe(reason);
  });
});
