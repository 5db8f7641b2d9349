// A first answer that isn't ours, as the AI SDK's own POST, whose stream our handlers resume: what they add is no text.

import { describe, expect, test } from "vitest";
import { endOf } from "../../src/client.ts";
import { createResumeHandlers } from "../../src/http.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { seededRandom } from "../../src/lib/random.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { parseEvents, saidIn } from "../http/parse-events.ts";
import { until } from "../support/wait.ts";
import { letRetry, readText } from "./reader.ts";
import { openWire } from "./scene.ts";

async function openScene() {
  const context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
  const source = manualSource();
  await (await context.createNewResumableStream("a", source.makeStream))?.cancel();
  const { GET } = createResumeHandlers(context, {
    streamId: () => "a",
    authorize: () => true,
    heartbeatMs: 5,
  });
  const wire = await openWire(async (request) => {
    if (request.method === "GET") return GET(request);
    const stream = await context.resumeExistingStream("a");
    const body = stream?.pipeThrough(new TextEncoderStream()) ?? null;
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  return {
    wire,
    source,
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]();
      await context.close();
    },
  };
}

describe.each(["\n", "\r\n", "\r"])("line ends %j", (lineEnd) => {
  test("over two cuts anywhere, in events and characters too, every event comes once", async () => {
    const random = seededRandom(7);
    for (let round = 0; round < 12; round++) {
      await using scene = await openScene();
      const { wire, source } = scene;
      const said = Array.from(
        { length: 30 },
        (_, index) => `data: ${index} 🌊 zwölf${lineEnd}${lineEnd}`,
      ).join("");
      const cuts = [300 + Math.floor(random() * 300), 350 + Math.floor(random() * 400)];
      wire.proxy.cutEachAfter(() => cuts.shift() ?? Infinity);
      const response = await wire.fetch({ method: "POST", resumeUrl: wire.url });
      const reading = readText(response);
      for (let at = 0; at < said.length; at += 11) source.push(said.slice(at, at + 11));
      await letRetry(wire);
      await letRetry(wire);
      await until(() => parseEvents(reading.text()).length === 30, { what: "all events" });
      source.end();
      expect((await reading.ended).kind).toBe("closed");
      expect(saidIn(reading.text())).toEqual(saidIn(said));
      expect(await endOf(response)).toBe("done");
    }
  });
});

test("an event that our server passes on in parts is whole, wherever the first connection was cut in it", async () => {
  for (const cut of [20_000, 90_000]) {
    await using scene = await openScene();
    const { wire, source } = scene;
    const cuts = [cut];
    wire.proxy.cutEachAfter(() => cuts.shift() ?? Infinity);
    const reading = readText(await wire.fetch({ method: "POST", resumeUrl: wire.url }));
    const said = ["data: a\n\n", `data: ${"🌊".repeat(60_000)}\n\n`, "data: z\n\n"];
    source.push(...said);
    await letRetry(wire);
    await until(() => reading.text().includes("data: z\n"), { what: "all events" });
    source.end();
    expect((await reading.ended).kind).toBe("closed");
    expect(saidIn(reading.text())).toEqual(saidIn(said.join("")));
  }
});
