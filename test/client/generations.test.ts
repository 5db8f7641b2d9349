// Two answers under one id are never joined on the reader's screen (G14): our server and our client, over a network that breaks.

import { describe, expect, test } from "vitest";
import { generationOf } from "../../src/http.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { until } from "../support/wait.ts";
import { errorOf, letRetry, readMarked } from "./reader.ts";
import { openScene } from "./scene.ts";

describe.each(["events", "text"] as const)("%s", (format) => {
  test("a reader that lost its network in one answer is told once another has taken its place", async () => {
    await using scene = await openScene({ format });
    scene.source.push("data: ONE 1\n\n");
    const response = await scene.fetch();
    const reading = readMarked(response);
    await reading.reached(13);
    await scene.proxy.refuse();
    await scene.context.stopStream(scene.id);
    const next = manualSource();
    await scene.context.createNewResumableStream(scene.id, next.makeStream);
    next.push("data: TWO 1\n\ndata: TWO 2\n\n");
    await scene.proxy.accept();
    await letRetry(scene);
    const error = await errorOf(reading);
    expect([error.code, error.status]).toEqual(["PRODUCER_LOST", 410]);
    expect(reading.text()).toContain("ONE 1");
    expect(reading.text()).not.toContain("TWO");
    next.end();
  });

  test("a reader that comes back to its own answer names it, and goes on in it", async () => {
    await using scene = await openScene({ format });
    scene.source.push("data: ONE 1\n\n");
    const response = await scene.fetch();
    const reading = readMarked(response);
    await reading.reached(13);
    const mark = response.headers.get("stream-generation");
    const stream = await scene.context.resumeExistingStream(scene.id);
    expect(mark).toBe(stream && generationOf(stream));
    await stream?.cancel();
    scene.proxy.cut();
    await letRetry(scene);
    scene.source.push("data: ONE 2\n\n");
    await until(() => reading.text().includes("ONE 2"), { what: "the second line" });
    scene.source.end();
    expect((await reading.ended).kind).toBe("closed");
  });
});
