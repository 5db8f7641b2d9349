// What resumableFetch makes of its arguments and of the first answer.

import { setTimeout as pass } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { endOf, resumableFetch, type ResumableFetchInit } from "../../src/client.ts";
import { fetchOn } from "../../src/client/resumable-fetch.ts";
import { endAfterNext, letRetry, readText } from "./reader.ts";
import { openScene } from "./scene.ts";

describe("the first request", () => {
  test("is answered as fetch would where it isn't a 200", async () => {
    await using scene = await openScene();
    scene.answers.push(
      () => new Response("no", { status: 404 }),
      () => new Response(null, { status: 204 }),
    );
    const [refused, nothing] = [await scene.fetch(), await scene.fetch()];
    expect([refused.status, await refused.text(), nothing.status]).toEqual([404, "no", 204]);
    expect(() => endOf(nothing)).toThrow(TypeError);
  });

  test("rejects as fetch does", async () => {
    await using scene = await openScene();
    await scene.proxy.refuse();
    await expect(scene.fetch()).rejects.toThrow("fetch failed");
  });

  test("may be a POST that is resumed elsewhere, with its headers and without its body", async () => {
    await using scene = await openScene();
    const init: ResumableFetchInit = {
      method: "POST",
      body: "{}",
      headers: { authorization: "Bearer 1", "content-type": "application/json" },
      resumeUrl: `${scene.url}/elsewhere?chat=1`,
    };
    const seen: [string, string | null, string | null][] = [];
    const platform = {
      ...scene.platform,
      fetch: async (input: string | URL | Request, options?: RequestInit) => {
        const { headers, method, url } = new Request(input, options);
        seen.push([
          `${method} ${new URL(url).search}`,
          headers.get("authorization"),
          headers.get("content-type"),
        ]);
        return fetch(input, options);
      },
    };
    const reading = readText(await fetchOn(platform, new Request(scene.url, { headers: { a: "b" } }), init));
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    scene.proxy.cut();
    await letRetry(scene);
    await endAfterNext(scene, reading);
    expect((await reading.ended).kind).toBe("closed");
    expect(seen).toEqual([
      ["POST ", "Bearer 1", "application/json"],
      ["GET ?chat=1&resumeAt=9", "Bearer 1", null],
    ]);
  });

  test("keeps status, headers and url", async () => {
    await using scene = await openScene();
    const { headers, status, url } = await scene.fetch();
    expect([status, headers.get("stream-status"), url]).toEqual([200, "running", scene.url]);
  });
});

test("a resumeUrl that is a function names the request, for handlers with parameters of their own", async () => {
  await using scene = await openScene({ format: "text" });
  const reading = readText(
    await scene.fetch({ resumeUrl: (offset) => `${scene.url}?resumeAt=${offset}&own=1` }),
  );
  scene.source.push("text");
  await reading.reached(4);
  scene.proxy.cut();
  await letRetry(scene);
  await endAfterNext(scene, reading);
  await reading.ended;
  expect(scene.requests).toEqual(["", "?resumeAt=4&own=1"]);
});

test("a resumeUrl that is a function and throws is an attempt that failed", async () => {
  await using scene = await openScene({ format: "text" });
  let calls = 0;
  const resumeUrl = (offset: number): string => {
    if (++calls === 1) throw new Error("no token yet");
    return `${scene.url}?resumeAt=${offset}`;
  };
  const reading = readText(await scene.fetch({ resumeUrl }));
  scene.source.push("text");
  await reading.reached(4);
  scene.proxy.cut();
  await letRetry(scene);
  await endAfterNext(scene, reading);
  expect((await reading.ended).kind).toBe("closed");
  expect([calls, scene.requests]).toEqual([2, ["", "?resumeAt=4"]]);
});

test("a resumeUrl that can't be resolved rejects at the call, before anything is asked for", async () => {
  await using scene = await openScene();
  await expect(scene.fetch({ method: "POST", resumeUrl: "/api/stream" })).rejects.toThrow(TypeError);
  expect(scene.requests).toEqual([]);
});

test("a resumeUrl that is a URL is the one of the call, and stays as it is", async () => {
  await using scene = await openScene({ format: "text" });
  const resumeUrl = new URL("?chat=1", scene.url);
  const reading = readText(await scene.fetch({ resumeUrl }));
  scene.source.push("text");
  await reading.reached(4);
  resumeUrl.search = "?chat=2";
  scene.proxy.cut();
  await letRetry(scene);
  await endAfterNext(scene, reading);
  await reading.ended;
  expect([resumeUrl.search, scene.requests]).toEqual(["?chat=2", ["", "?chat=1&resumeAt=4"]]);
});

test("a stallTimeoutMs that is more than a timer takes is a long one: no silence ends a connection at once", async () => {
  await using scene = await openScene({ format: "text" });
  const reading = readText(await resumableFetch(scene.url, { stallTimeoutMs: Infinity }));
  scene.source.push("a");
  await reading.reached(1);
  // Longer than a timer that is due at once.
  await pass(50);
  scene.source.push("b");
  await reading.reached(2);
  scene.source.end();
  expect(await reading.ended).toEqual({ kind: "closed", text: "ab" });
  expect(scene.requests).toHaveLength(1);
});

test.each([
  ["resumeUrl", { method: "POST" }],
  ["stallTimeoutMs", { stallTimeoutMs: 0 }],
  ["maxAttempts", { maxAttempts: Number.NaN }],
])("a %s that can't be used is a TypeError naming it", async (name, init) => {
  await using scene = await openScene();
  await expect(scene.fetch(init)).rejects.toThrow(new RegExp(`^${name} must be`));
});
