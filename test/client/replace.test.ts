// A connection that may be dead is let go only once another has answered: what it still has isn't thrown away.

import { describe, expect, test } from "vitest";
import { endOf, type ResumableFetchInit } from "../../src/client.ts";
import type { StreamResponseOptions } from "../../src/http.ts";
import { until } from "../support/wait.ts";
import { endAfterNext, errorOf, letRetry, readText } from "./reader.ts";
import { type ClientScene, openScene } from "./scene.ts";

/** Has one event, and has been silent for a while. */
async function openSilent(options: StreamResponseOptions = {}, init: ResumableFetchInit = {}) {
  const scene = await openScene(options);
  const response = await scene.fetch(init);
  const reading = readText(response);
  scene.source.push("data: a\n\n");
  await reading.reached(9);
  await until(() => scene.clock.waiting()[0] === 40_000, { what: "the client to read on" });
  scene.clock.pass(6_000);
  return Object.assign(scene, { response, reading });
}

/** An answer that comes when it is let come. */
function heldBack({ answers }: ClientScene, response?: Response): () => void {
  let letCome: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (letCome = resolve));
  answers.push(async () => {
    await gate;
    return response ?? new Response(null, { status: 503 });
  });
  return letCome;
}

const events = "data: a\nid: 9\n\n";

describe.each([
  ["the page is looked at again", (scene: ClientScene) => scene.platform.wake("visible")],
  ["the network is back", (scene: ClientScene) => scene.platform.wake("online")],
  ["it is silent", (scene: ClientScene) => scene.clock.pass(34_000)],
] as const)("where %s", (_why, doubt) => {
  test("what the old connection brings meanwhile is text, and its end is the end", async () => {
    await using scene = await openSilent();
    heldBack(scene);
    doubt(scene);
    await until(() => scene.requests.length === 2, { what: "the next connection to be asked for" });
    scene.source.push("data: b\n\n");
    scene.source.end();
    expect(await scene.reading.ended).toEqual({ kind: "closed", text: `${events}data: b\nid: 18\n\n` });
    expect(await endOf(scene.response)).toBe("done");
  });

  test("an answer that the old connection has overtaken is let go, and nothing comes twice", async () => {
    await using scene = await openSilent();
    const stale = new ReadableStream({
      start: (controller) =>
        controller.enqueue(new TextEncoder().encode(": resumable-stream offset=9\n\ndata: b\nid: 18\n\n")),
    });
    const headers = { "content-type": "text/event-stream", "stream-offset": "9" };
    const letCome = heldBack(scene, new Response(stale, { headers }));
    doubt(scene);
    await until(() => scene.requests.length === 2, { what: "the next connection to be asked for" });
    scene.source.push("data: b\n\n");
    await scene.reading.reached(events.length + 1);
    letCome();
    // It waits a moment: the old connection shows that it lives.
    await until(() => scene.clock.waiting().includes(500), { what: "the moment" });
    scene.source.push("data: c\n\n");
    scene.source.end();
    expect((await scene.reading.ended).text).toBe(`${events}data: b\nid: 18\n\ndata: c\nid: 27\n\n`);
    expect(scene.requests).toHaveLength(2);
  });

  test("a dead one is replaced by the new one, which brings the rest", async () => {
    await using scene = await openSilent();
    scene.proxy.blackHole();
    scene.proxy.forget();
    doubt(scene);
    await until(() => scene.requests.length === 2, { what: "the next connection" });
    await endAfterNext(scene, scene.reading);
    expect(await scene.reading.ended).toEqual({ kind: "closed", text: `${events}data: z\nid: 18\n\n` });
    expect(scene.requests).toEqual(["", "?resumeAt=9"]);
  });

  test("a server that says that the stream has ended leaves the old one a while for what is on its way", async () => {
    await using scene = await openSilent();
    const missed = (): Response => new Response(null, { status: 204, headers: { "stream-status": "done" } });
    scene.answers.push(missed);
    doubt(scene);
    await until(() => scene.clock.waiting()[0] === 5_000, { what: "the while" });
    scene.source.push("data: b\n\n");
    scene.source.end();
    expect((await scene.reading.ended).kind).toBe("closed");

    await using gone = await openSilent();
    gone.proxy.blackHole();
    gone.answers.push(missed);
    gone.proxy.forget();
    doubt(gone);
    await until(() => gone.clock.waiting()[0] === 5_000, { what: "the while" });
    gone.clock.pass(5_000);
    expect((await errorOf(gone.reading)).code).toBe("MISSED_END");
  });
});

test("an attempt that fails leaves the old connection be", async () => {
  await using scene = await openSilent();
  scene.answers.push(() => new Response(null, { status: 503 }));
  scene.platform.wake("visible");
  await until(() => scene.clock.waiting().includes(500), { what: "the wait" });
  scene.source.push("data: b\n\n");
  scene.source.end();
  expect((await scene.reading.ended).kind).toBe("closed");
  expect(scene.requests).toHaveLength(2);
});

test("plain text that is silent for hours isn't UNREACHABLE while its server answers", async () => {
  let answers = -1;
  const counted: typeof fetch = async (...args) => {
    const response = await fetch(...args);
    answers++;
    return response;
  };
  await using scene = await openSilent({ format: "text" }, { fetch: counted });
  scene.clock.pass(34_000);
  for (let stall = 0; stall < 30; stall++) {
    await until(() => answers === stall + 1, { what: "the next connection" });
    scene.clock.pass(40_000);
  }
  scene.source.push("b");
  await scene.reading.reached(10);
  scene.source.end();
  expect((await scene.reading.ended).kind).toBe("closed");
});

test("a server that can't resume ends the body only after a second silence", async () => {
  await using scene = await openSilent({ format: "text" });
  scene.answers.push(
    () => new Response("data: a\n\nall of it again", { headers: { "content-type": "text/plain" } }),
  );
  scene.clock.pass(34_000);
  await until(() => scene.requests.length === 2 && scene.clock.waiting()[0] === 40_000, {
    what: "the refusal",
  });
  scene.source.push("b");
  await scene.reading.reached(10);
  scene.source.end();
  expect(await scene.reading.ended).toEqual({ kind: "closed", text: "data: a\n\nb" });
});

test("a wrong flag that says offline delays an attempt, and no more", async () => {
  await using scene = await openScene();
  scene.platform.offline = true;
  const reading = readText(await scene.fetch());
  scene.source.push("data: a\n\n");
  await reading.reached(9);
  scene.proxy.cut();
  await letRetry(scene);
  await endAfterNext(scene, reading);
  expect((await reading.ended).kind).toBe("closed");
});
