// Nothing is believed without proof: neither that an answer is the text's rest, nor that a close is its end.

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as pass } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { endOf, ResumableFetchError, type ResumableFetchInit } from "../../src/client.ts";
import { fetchOn } from "../../src/client/resumable-fetch.ts";
import { until } from "../support/wait.ts";
import { endAfterNext, errorOf, letRetry, readText } from "./reader.ts";
import { openScene, openWire } from "./scene.ts";

const plain = (body: BodyInit | null, headers: Record<string, string> = {}, status = 200) =>
  new Response(body, { status, headers: { "content-type": "text/plain;charset=UTF-8", ...headers } });
/** A body that stays open. */
const open = (text: string) =>
  new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(text)) });

describe("an answer to a resume", () => {
  test.each([
    ["plain text", "text/plain;charset=UTF-8", "one two"],
    ["events", "text/event-stream", "data: one\n\ndata: two\n\n"],
  ])(
    "that doesn't say where it begins is refused, and nothing of it becomes text: %s",
    async (_, type, text) => {
      await using wire = await openWire(
        () => new Response(open(text), { headers: { "content-type": type } }),
      );
      const reading = readText(await wire.fetch());
      await reading.reached(text.length);
      wire.proxy.cut();
      await letRetry(wire);
      expect(await errorOf(reading)).toMatchObject({ code: "NOT_RESUMED", status: 200 });
      expect(reading.text()).toBe(text);
    },
  );

  test("is believed where the caller makes the address, unless it says that it begins elsewhere", async () => {
    const answers = [plain(open("one ")), plain(open("two ")), plain("one two", { "stream-offset": "0" })];
    await using wire = await openWire(() => answers.shift() ?? plain(null, {}, 500));
    const init: ResumableFetchInit = { resumeUrl: (offset) => `${wire.url}?from=${offset}` };
    const reading = readText(await wire.fetch(init));
    await reading.reached(4);
    wire.proxy.cut();
    await letRetry(wire);
    await reading.reached(8);
    wire.proxy.cut();
    await letRetry(wire);
    expect((await errorOf(reading)).code).toBe("NOT_RESUMED");
    expect([reading.text(), wire.requests]).toEqual(["one two ", ["", "?from=4", "?from=8"]]);
  });

  const unread: [string, Record<string, string>, isTrusted: boolean][] = [
    ["40, 40", { "stream-offset": "6" }, false],
    ["4e1", { "stream-offset": "NaN" }, false],
    ["+40", {}, true],
  ];
  test.each(unread)(
    "is refused if the text's own beginning, %s, can't be read",
    async (offset, resumed, isTrusted) => {
      const answers = [plain(open("forty "), { "stream-offset": offset })];
      await using wire = await openWire(() => answers.shift() ?? plain("twice ", resumed));
      const reading = readText(await wire.fetch(isTrusted ? { resumeUrl: () => wire.url } : {}));
      await reading.reached(6);
      wire.proxy.cut();
      await letRetry(wire);
      expect((await errorOf(reading)).code).toBe("NOT_RESUMED");
      expect(reading.text()).toBe("forty ");
    },
  );

  test("of our events may say it in its first comment alone, as to a page of another origin", async () => {
    const type = { "content-type": "text/event-stream" };
    const answers = [
      new Response(open(": resumable-stream offset=0 generation=k1\n\ndata: a\nid: 9.k1\n\n"), {
        headers: type,
      }),
      new Response(
        ": resumable-stream offset=9 generation=k1\n\ndata: b\nid: 18.k1\n\n: resumable-stream end=done\n",
        { headers: type },
      ),
    ];
    await using wire = await openWire(() => answers.shift() ?? plain(null, {}, 500));
    const reading = readText(await wire.fetch());
    await reading.reached(18);
    wire.proxy.cut();
    await letRetry(wire);
    expect(await reading.ended).toEqual({
      kind: "closed",
      text: "data: a\nid: 9.k1\n\ndata: b\nid: 18.k1\n\n",
    });
    expect(wire.requests).toEqual(["", "?resumeAt=9.k1"]);
  });
});

describe("the generation", () => {
  test("goes with each resume, and an answer of another one is PRODUCER_LOST, whatever its status", async () => {
    for (const [status, headers] of [
      [200, { "stream-offset": "4", "stream-generation": "k2" }],
      [204, { "stream-status": "done", "stream-generation": "k2" }],
      [410, { "stream-status": "superseded" }],
    ] as const) {
      let asked = 0;
      await using wire = await openWire(() =>
        ++asked === 1
          ? plain(open("one "), { "stream-offset": "0", "stream-generation": "k1" })
          : plain(status === 200 ? "two" : null, headers, status),
      );
      // A function is told both.
      const init = {
        resumeUrl: (offset: number, position: string) => `${wire.url}?at=${offset},${position}`,
      };
      const response = await wire.fetch(init);
      const reading = readText(response);
      await reading.reached(4);
      wire.proxy.cut();
      await letRetry(wire);
      expect((await errorOf(reading)).code).toBe("PRODUCER_LOST");
      expect([reading.text(), await endOf(response)]).toEqual(["one ", "lost"]);
      expect(wire.requests).toEqual(["", "?at=4,4.k1"]);
    }
  });
});

/** Over HTTP/1.0, where a body has no end but the connection's: each answer is sent, and the connection closed. */
async function serveHttp10(answers: string[]): Promise<Server & { url: string } & AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(answers.shift() ?? "HTTP/1.0 500 \r\n\r\n"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return Object.assign(server, {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => void server.close(),
  });
}

const http10 = (status: string, headers: string[], body = "") =>
  [`HTTP/1.0 ${status}`, "content-type: text/plain", ...headers, "", body].join("\r\n");

describe("plain text whose connection closes cleanly", () => {
  async function read(answers: string[], init: ResumableFetchInit = {}) {
    await using server = await serveHttp10(answers);
    await using wire = await openWire(() => plain(null));
    const response = await fetchOn(wire.platform, server.url, init);
    const reading = readText(response);
    let isOver = false;
    void reading.ended.then(() => (isOver = true));
    await until(
      () => {
        const [delay] = wire.clock.waiting();
        if (!isOver && delay !== undefined && delay <= 10_000) wire.clock.pass(delay);
        return isOver;
      },
      { what: "the end" },
    );
    const end = await reading.ended;
    const code =
      end.kind === "errored" && end.error instanceof ResumableFetchError ? end.error.code : undefined;
    return { text: end.text, code, end: await endOf(response), left: answers.length };
  }

  test("goes on where its server, asked again, has more, and ends where that says so", async () => {
    const answers = [
      http10("200 OK", ["stream-offset: 0"], "half "),
      http10("200 OK", ["stream-offset: 5"], "whole"),
      http10("204 No Content", ["stream-status: done"]),
    ];
    expect(await read(answers)).toEqual({ text: "half whole", code: undefined, end: "done", left: 0 });
  });

  test.each([
    ["died", http10("410 Gone", ["stream-status: lost"]), "PRODUCER_LOST"],
    ["failed", http10("410 Gone", ["stream-status: failed"]), "SOURCE_FAILED"],
    [
      "went on and ended",
      http10("204 No Content", ["stream-status: done", "stream-offset: 10"]),
      "MISSED_END",
    ],
    ["was forgotten", http10("204 No Content", ["stream-status: absent"]), "MISSED_END"],
    ["can't be asked", http10("404 Not Found", []), "REFUSED"],
  ])("is no end where the stream %s", async (_, answer, code) => {
    const { text, ...end } = await read([http10("200 OK", ["stream-offset: 0"], "half "), answer]);
    expect([text, end.code]).toEqual(["half ", code]);
  });

  test("is no end where the server is away meanwhile: what it says later is no proof", async () => {
    const answers = [
      http10("200 OK", ["stream-offset: 0"], "half "),
      http10("502 Bad Gateway", []),
      http10("204 No Content", ["stream-status: done"]),
    ];
    expect(await read(answers)).toMatchObject({ code: "MISSED_END", left: 0 });
  });

  test("asks no more than maxAttempts times where each answer is empty", async () => {
    const answers = Array.from({ length: 20 }, (_, index) =>
      http10("200 OK", [`stream-offset: ${index === 0 ? 0 : 5}`], index === 0 ? "half " : ""),
    );
    expect(await read(answers, { maxAttempts: 3 })).toMatchObject({ code: "UNREACHABLE", left: 16 });
  });

  test.each([
    ["sends all of it again", http10("200 OK", [], "whole")],
    ["has no such address", http10("404 Not Found", [])],
    ["fails", http10("500 Oops", [])],
    ["has nothing active", http10("204 No Content", [])],
  ])("is an end where a server that knows nothing of positions %s", async (_, answer) => {
    const answers = [http10("200 OK", [], "whole"), answer];
    expect(await read(answers)).toMatchObject({ text: "whole", end: "done", left: 0 });
  });
});

test("a text that is whole after a cut is done where its server names the offset", async () => {
  await using scene = await openScene({ format: "text" });
  const response = await scene.fetch();
  const reading = readText(response);
  scene.source.push("text");
  await reading.reached(4);
  scene.answers.push(() => plain(null, { "stream-status": "done", "stream-offset": "4" }, 204));
  scene.proxy.cut();
  await letRetry(scene);
  expect([await reading.ended, await endOf(response)]).toEqual([{ kind: "closed", text: "text" }, "done"]);
});

test.each(["events", "text"] as const)(
  "%s that were stopped while their reader, who has all, was away are no stream that is done",
  async (format) => {
    await using scene = await openScene({ format });
    const response = await scene.fetch();
    const reading = readText(response);
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    await scene.proxy.refuse();
    await scene.context.stopStream(scene.id);
    await scene.proxy.accept();
    await letRetry(scene);
    expect([(await reading.ended).kind, await endOf(response)]).toEqual(["closed", "stopped"]);
  },
);

test("a text that is resumed at an address of the caller's ends, and isn't asked for without end", async () => {
  const answers = ["one ", "two", "", ""];
  await using wire = await openWire(() => plain(answers.shift() ?? "more"));
  const reading = readText(await wire.fetch({ resumeUrl: (offset) => `${wire.url}?from=${offset}` }));
  expect(await reading.ended).toEqual({ kind: "closed", text: "one two" });
  expect(wire.requests).toEqual(["", "?from=4", "?from=7"]);
});

test("an event that no connection carries whole ends the body after maxAttempts", async () => {
  await using scene = await openScene();
  const reading = readText(await scene.fetch({ maxAttempts: 3 }));
  scene.proxy.cutEachAfter(() => 100_000);
  scene.proxy.cut();
  await letRetry(scene);
  scene.source.push("data: a\n\n", `data: ${"x".repeat(200_000)}\n\n`);
  await reading.reached(9);
  for (let attempt = 0; attempt < 3; attempt++) await letRetry(scene);
  expect((await errorOf(reading)).code).toBe("UNREACHABLE");
  expect(scene.requests.slice(2)).toEqual(["?resumeAt=9", "?resumeAt=9", "?resumeAt=9"]);
});

test("and so does one of which each connection brings a part, however long that takes", async () => {
  await using scene = await openScene();
  const reading = readText(await scene.fetch({ maxAttempts: 3 }));
  scene.source.push(`data: ${"x".repeat(200_000)}`);
  let before = scene.proxy.bytesToClient;
  for (let attempt = 0; attempt <= 3; attempt++) {
    await until(() => scene.proxy.bytesToClient > before + 150_000, { what: "a part of the event" });
    // For the client to have read it.
    await pass(50);
    scene.clock.pass(20_000);
    scene.proxy.cut();
    before = scene.proxy.bytesToClient;
    if (attempt < 3) await letRetry(scene);
  }
  expect((await errorOf(reading)).code).toBe("UNREACHABLE");
});

test("heartbeats alone keep a stream that is cut again and again, however often", async () => {
  await using scene = await openScene({ heartbeatMs: 20 });
  const reading = readText(await scene.fetch({ maxAttempts: 1 }));
  for (let cut = 0; cut < 4; cut++) {
    const before = scene.proxy.bytesToClient;
    await until(() => scene.proxy.bytesToClient > before + 40, { what: "a heartbeat" });
    scene.clock.pass(30_000);
    scene.proxy.cut();
    await letRetry(scene);
  }
  await endAfterNext(scene, reading);
  expect((await reading.ended).kind).toBe("closed");
});
