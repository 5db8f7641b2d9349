// Answers that a proxy, a portal or a route of the app's own makes of ours: none of them ends a text that isn't whole, and none of
// them becomes text.

import { describe, expect, test } from "vitest";
import { endOf, type ResumableFetchInit } from "../../src/client.ts";
import { fetchOn } from "../../src/client/resumable-fetch.ts";
import { until } from "../support/wait.ts";
import { errorOf, letRetry, readText } from "./reader.ts";
import { openScene, openWire, type Wire } from "./scene.ts";

const EVENTS = { "content-type": "text/event-stream" };
const first = ": resumable-stream offset=0 generation=k1\n\ndata: a\nid: 9.k1\n\n";
const second =
  ": resumable-stream offset=9 generation=k1\n\ndata: b\nid: 18.k1\n\n: resumable-stream end=done\n";
const whole = "data: a\nid: 9.k1\n\ndata: b\nid: 18.k1\n\n";

/** A body that stays open. */
const open = (text: string) =>
  new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(text)) });
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** Reads an answer that is cut behind `text`. */
async function readCut(wire: Wire, text: string, init?: ResumableFetchInit) {
  const response = await wire.fetch(init);
  const reading = readText(response);
  await reading.reached(text.length);
  wire.proxy.cut();
  await letRetry(wire);
  return { response, reading };
}

describe("after a cut of our events", () => {
  const begun = "data: a\nid: 9.k1\n\n";

  test.each([
    ["a page without a media type", () => new Response(bytes("<html>Please log in</html>"))],
    ["a page of the media type", () => new Response("<html>Please log in</html>", { headers: EVENTS })],
  ])("%s is NOT_RESUMED, and nothing of it becomes text", async (_, answer) => {
    const answers = [() => new Response(open(first), { headers: EVENTS })];
    await using wire = await openWire(() => (answers.shift() ?? answer)());
    const { reading } = await readCut(wire, begun);
    expect((await errorOf(reading)).code).toBe("NOT_RESUMED");
    expect([reading.text(), wire.requests]).toEqual([begun, ["", "?resumeAt=9.k1"]]);
  });

  test.each([
    ["without a media type", {}],
    ["of the media type, without our headers", EVENTS],
  ])("an empty answer %s is no end: the next one has the rest", async (_, headers) => {
    const answers = [
      () => new Response(open(first), { headers: EVENTS }),
      () => new Response(bytes(""), { headers }),
      () => new Response(second, { headers: EVENTS }),
    ];
    await using wire = await openWire(() => (answers.shift() ?? (() => Response.error()))());
    const { response, reading } = await readCut(wire, begun);
    await letRetry(wire);
    expect([await reading.ended, await endOf(response)]).toEqual([{ kind: "closed", text: whole }, "done"]);
  });

  test.each([
    "Text/Event-Stream",
    "text/event-stream ; charset=utf-8",
    "text/event-stream, text/event-stream",
  ])("events of type %s are ours still", async (type) => {
    const answers = [open(first), second];
    await using wire = await openWire(
      () => new Response(answers.shift() ?? null, { headers: { "content-type": type } }),
    );
    const { reading } = await readCut(wire, begun);
    expect(await reading.ended).toEqual({ kind: "closed", text: whole });
  });

  test("a fetch of the app's that locks an answer, or gives none, has made an attempt that failed", async () => {
    const answers = [open(first), second, second, second];
    await using wire = await openWire(() => new Response(answers.shift() ?? null, { headers: EVENTS }));
    let asked = 0;
    const spoilt: typeof fetch = async (...args) => {
      const response = await fetch(...args);
      asked += 1;
      if (asked === 2) response.body?.getReader();
      return asked === 3 ? (undefined as unknown as Response) : response;
    };
    const { reading } = await readCut(wire, begun, { fetch: spoilt });
    for (let n = 0; n < 2; n++) await letRetry(wire);
    expect(await reading.ended).toEqual({ kind: "closed", text: whole });
    expect(asked).toBe(4);
  });
});

describe("a server that isn't ours", () => {
  const from = (wire: Wire): ResumableFetchInit => ({ resumeUrl: (offset) => `${wire.url}?from=${offset}` });

  test.each([
    ["text", "text/plain", "Hello ", "world", ["", "?from=6", "?from=6", "?from=11"]],
    ["events", "text/event-stream", "data: a\n\n", "data: b\n\n", ["", "?from=9", "?from=9", "?from=18"]],
  ])(
    "an empty answer after a cut proves no end of %s: it is asked once more",
    async (_, type, begun, rest, requests) => {
      const answers = [open(begun), bytes(""), bytes(rest), bytes("")];
      await using wire = await openWire(
        () => new Response(answers.shift() ?? null, { headers: { "content-type": type } }),
      );
      const { reading } = await readCut(wire, begun, from(wire));
      await letRetry(wire);
      expect(await reading.ended).toEqual({ kind: "closed", text: begun + rest });
      expect(wire.requests).toEqual(requests);
    },
  );

  test("events that say nothing after a cut prove no end, however often they are asked", async () => {
    const answers = [open("data: a\n\n")];
    await using wire = await openWire(() => new Response(answers.shift() ?? bytes(""), { headers: EVENTS }));
    const { reading } = await readCut(wire, "data: a\n\n", { maxAttempts: 2 });
    await letRetry(wire);
    expect((await errorOf(reading)).code).toBe("UNREACHABLE");
  });

  test.each([
    ["starts anew", "data: a\n\ndata: b\n\n"],
    ["says nothing", ""],
  ])("events that closed cleanly are whole, also if the server %s when it is asked", async (_, again) => {
    const answers = ["data: a\n\ndata: b\n\n", again];
    await using wire = await openWire(() => new Response(bytes(answers.shift() ?? ""), { headers: EVENTS }));
    const reading = readText(await wire.fetch());
    expect(await reading.ended).toEqual({ kind: "closed", text: "data: a\n\ndata: b\n\n" });
    expect(wire.requests).toEqual(["", "?resumeAt=18"]);
  });

  test("a 204 of ours that says that the text is longer outweighs its clean close", async () => {
    const answers = [
      () => new Response("data: one\n\n", { headers: EVENTS }),
      () => new Response(null, { status: 204, headers: { "stream-status": "done", "stream-offset": "35" } }),
    ];
    await using wire = await openWire(() => (answers.shift() ?? (() => Response.error()))());
    const reading = readText(await wire.fetch());
    expect((await errorOf(reading)).code).toBe("MISSED_END");
  });

  test("an event that it left unfinished is the end of its text, but not once another answer has brought it whole", async () => {
    const answers = ["data: a\n\ndata: b", second];
    await using wire = await openWire(() => new Response(bytes(answers.shift() ?? ""), { headers: EVENTS }));
    const reading = readText(await wire.fetch(from(wire)));
    expect(await reading.ended).toEqual({ kind: "closed", text: "data: a\n\ndata: b\nid: 18.k1\n\n" });
  });

  test("a connection that is only silent isn't let go for events that prove nothing", async () => {
    const begun = new TransformStream<string, string>();
    const writer = begun.writable.getWriter();
    const answers = [begun.readable.pipeThrough(new TextEncoderStream())];
    await using wire = await openWire(
      () => new Response(answers.shift() ?? open("data: a\n\n"), { headers: EVENTS }),
    );
    const reading = readText(await wire.fetch());
    await writer.write("data: a\n\n");
    await reading.reached(9);
    wire.platform.wake("online");
    await until(() => wire.requests.length === 2, { what: "an attempt" });
    await writer.write("data: b\n\n");
    await reading.reached(18);
    expect(reading.text()).toBe("data: a\n\ndata: b\n\n");
  });

  test("events without our header go on if their first comment says where they begin", async () => {
    const answers = ["data: a\n\n", second];
    await using wire = await openWire(() => new Response(bytes(answers.shift() ?? ""), { headers: EVENTS }));
    const reading = readText(await wire.fetch());
    expect(await reading.ended).toEqual({ kind: "closed", text: "data: a\n\ndata: b\nid: 18.k1\n\n" });
  });
});

describe("the first request", () => {
  test("rejects at once for a header that no request can have, and with what a function of headers throws", async () => {
    await using scene = await openScene();
    await expect(scene.fetch({ headers: { authorization: "a\nb" } })).rejects.toThrow(TypeError);
    const mistake = new TypeError("no token");
    const headers = (): never => {
      throw mistake;
    };
    await expect(scene.fetch({ headers })).rejects.toBe(mistake);
    expect(scene.requests).toEqual([]);
  });

  test("is over once its signal is aborted, whatever a fetch of the app's makes of that", async () => {
    await using wire = await openWire(
      () => new Response(null, { status: 503, headers: { "retry-after": "60" } }),
    );
    const abort = new AbortController();
    const deaf: typeof fetch = async (input) => {
      const response = await fetch(input);
      abort.abort();
      return response;
    };
    await expect(wire.fetch({ signal: abort.signal, fetch: deaf })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(wire.requests).toEqual([""]);
  });
});

describe("a server in between that passes resumableFetch's answer on", () => {
  test("keeps the places that our server's ids name, over a cut", async () => {
    await using upstream = await openScene();
    await using wire = await openWire((request) =>
      fetchOn(upstream.platform, upstream.url + new URL(request.url).search, { signal: request.signal }),
    );
    const response = await wire.fetch();
    const reading = readText(response);
    upstream.source.push("data: one\n\n", "data: two\n\n");
    await reading.reached("data: one\nid: 11\n\ndata: two\nid: 22\n\n".length);
    wire.proxy.cut();
    await letRetry(wire);
    upstream.source.push("data: three\n\n");
    upstream.source.end();
    await letRetry(wire);
    expect([await reading.ended, await endOf(response)]).toEqual([
      { kind: "closed", text: "data: one\nid: 11\n\ndata: two\nid: 22\n\ndata: three\nid: 35\n\n" },
      "done",
    ]);
    expect(wire.requests).toEqual(["", "?resumeAt=22", "?resumeAt=35"]);
  });
});
