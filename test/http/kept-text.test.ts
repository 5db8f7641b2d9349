// A failed stream whose text is kept: a reader gets what it lacks, and is then told to come no more.

import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createResumeHandlers, generationOf } from "../../src/http.ts";
import { createPgliteResumableStreamContext } from "../../src/pglite.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { until } from "../support/wait.ts";
import { readBody } from "./bytes.ts";

let pglite: PGlite;

beforeAll(async () => {
  pglite = await PGlite.create();
});

afterAll(() => pglite.close());

test("from an offset within it 200 and the rest, from its end 410 with how it ended", async () => {
  await using context = createPgliteResumableStreamContext({
    pglite,
    waitUntil: null,
    onError: () => undefined,
  });
  const id = "kept";
  const source = manualSource();
  const stream = await context.createNewResumableStream(id, source.makeStream);
  const mark = stream && generationOf(stream);
  const reading = read(stream);
  source.push("data: a\n\n", "data: b\n\n");
  await reading.reached(18);
  source.fail(new Error("model overloaded"));
  await until(async () => (await context.hasExistingStream(id)) === "failed", { what: "its end" });

  const { GET } = createResumeHandlers(context, { streamId: () => id, authorize: () => true });
  const from = (lastEventId: string) =>
    GET(new Request("http://localhost/", { headers: { "last-event-id": lastEventId } }));
  const within = await from("9");
  expect(within.status).toBe(200);
  expect(await readBody(within).rest()).toEqual({
    text: `: resumable-stream offset=9 generation=${mark}\n\ndata: b\nid: 18.${mark}\n\n: resumable-stream caught-up\n\n: resumable-stream end=failed\n`,
    end: "broken",
  });
  const atEnd = await from("18");
  expect([atEnd.status, atEnd.headers.get("stream-status")]).toEqual([410, "failed"]);
});

test("an EventSource whose text was cut within an event is told to stop: it would come back to it for ever", async () => {
  await using context = createPgliteResumableStreamContext({
    pglite,
    waitUntil: null,
    onError: () => undefined,
  });
  const id = "cut";
  const source = manualSource();
  const reading = read(await context.createNewResumableStream(id, source.makeStream));
  source.push("data: a\n\n", "data: b");
  await reading.reached(16);
  source.fail(new Error("model overloaded"));
  await until(async () => (await context.hasExistingStream(id)) === "failed", { what: "its end" });
  const { GET } = createResumeHandlers(context, { streamId: () => id, authorize: () => true });
  const told = async (headers: HeadersInit, search = "") => {
    const { body, status } = await GET(new Request(`http://localhost/${search}`, { headers }));
    await body?.cancel();
    return status;
  };
  const accept = "text/event-stream";
  expect(await told({ accept })).toBe(200);
  expect(await told({ accept, "last-event-id": "9" })).toBe(410);
  // Who counts characters is given all of them.
  expect(await told({}, "?resumeAt=9")).toBe(200);
  expect(await told({}, "?resumeAt=16")).toBe(410);
});
