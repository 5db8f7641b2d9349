// What resumableFetch makes of its arguments and of the first answer.

import { setTimeout as pass } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import { describe, expect, test, vi } from "vitest";
import { endOf, resumableFetch, type ResumableFetchInit } from "../../src/client.ts";
import { fetchOn } from "../../src/client/resumable-fetch.ts";
import { until } from "../support/wait.ts";
import { endAfterNext, letRetry, readText, rejectionOf, unmarked } from "./reader.ts";
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

  test("by GET is made again after what may pass, and rejects as fetch does after maxAttempts", async () => {
    await using scene = await openScene();
    scene.answers.push(
      () => new Response(null, { status: 503, headers: { "retry-after": "20" } }),
      () => new Response(null, { status: 429 }),
      () => new Response(null, { status: 408 }),
    );
    const fetching = scene.fetch();
    for (const delayMs of [20_500, 1_000, 2_000]) {
      await until(() => scene.clock.waiting()[0] === delayMs, { what: `the wait of ${delayMs} ms` });
      scene.clock.pass(delayMs);
    }
    expect((await fetching).status).toBe(200);

    await scene.proxy.refuse();
    const refused = rejectionOf(scene.fetch({ maxAttempts: 2 }));
    for (const delayMs of [500, 1_000]) {
      await until(() => scene.clock.waiting()[0] === delayMs, { what: `the wait of ${delayMs} ms` });
      scene.clock.pass(delayMs);
    }
    expect(String(await refused)).toBe("TypeError: fetch failed");
    expect(scene.requests).toHaveLength(4);
  });

  test.each([
    ["a TypeError of another realm, as under Jest", runInNewContext(`new TypeError("fetch failed")`)],
    ["a NetworkError, as happy-dom has it", new DOMException("socket hang up", "NetworkError")],
  ])("by GET is made again after %s", async (_, error) => {
    await using scene = await openScene();
    const fetchOnce = vi.fn<typeof fetch>(fetch).mockRejectedValueOnce(error);
    const fetching = scene.fetch({ fetch: fetchOnce });
    await until(() => scene.clock.waiting()[0] === 500, { what: "the wait" });
    scene.clock.pass(500);
    expect([(await fetching).status, fetchOnce.mock.calls.length]).toEqual([200, 2]);
  });

  test("by GET gives the last answer as it is once maxAttempts are over", async () => {
    await using scene = await openScene();
    scene.answers.push(
      () => new Response("one", { status: 500 }),
      () => new Response("two", { status: 502 }),
    );
    const fetching = scene.fetch({ maxAttempts: 1 });
    await until(() => scene.clock.waiting()[0] === 500, { what: "the wait" });
    scene.clock.pass(500);
    const response = await fetching;
    expect([response.status, await response.text(), scene.requests.length]).toEqual([502, "two", 2]);
  });

  test("by GET is given up at once when its signal aborts, and nothing is left behind", async () => {
    await using scene = await openScene();
    scene.answers.push(() => new Response(null, { status: 503 }));
    const abort = new AbortController();
    const fetching = rejectionOf(scene.fetch({ signal: abort.signal }));
    await until(() => scene.clock.waiting()[0] === 500, { what: "the wait" });
    const reason = new Error("the page is left");
    abort.abort(reason);
    expect(await fetching).toBe(reason);
    expect([scene.clock.waiting(), scene.requests.length]).toEqual([[], 1]);
  });

  test("whose signal gives no reason, as browsers of before 2022, rejects with an AbortError", async () => {
    await using scene = await openScene();
    scene.answers.push(() => new Response(null, { status: 503 }));
    const abort = new AbortController();
    Object.defineProperties(abort.signal, {
      reason: { value: undefined },
      throwIfAborted: { value: undefined },
    });
    const fetching = rejectionOf(scene.fetch({ signal: abort.signal }));
    await until(() => scene.clock.waiting()[0] === 500, { what: "the wait" });
    abort.abort();
    expect(await fetching).toMatchObject({ name: "AbortError" });
  });

  test("is given up at once when its signal aborts, also while a function of the caller's makes its headers", async () => {
    await using scene = await openScene();
    const abort = new AbortController();
    const reason = new Error("the page is left");
    const fetching = rejectionOf(
      scene.fetch({ signal: abort.signal, headers: () => new Promise(() => undefined) }),
    );
    abort.abort(reason);
    expect(await fetching).toBe(reason);
    expect(scene.requests).toEqual([]);
  });

  test("by POST is made once, whatever comes of it", async () => {
    await using scene = await openScene();
    const init = { method: "POST", resumeUrl: scene.url };
    scene.answers.push(() => new Response("busy", { status: 503 }));
    expect((await scene.fetch(init)).status).toBe(503);
    await scene.proxy.refuse();
    await expect(scene.fetch(init)).rejects.toThrow("fetch failed");
    expect(scene.requests).toHaveLength(1);
  });

  test("that no request can be made of is a mistake, told at once", async () => {
    await using scene = await openScene();
    await expect(scene.fetch({ mode: "navigate" })).rejects.toThrow(TypeError);
    expect(scene.requests).toEqual([]);
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
          unmarked(`${method} ${new URL(url).search}`),
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
    await scene.fetch({ resumeUrl: (offset, position) => `${scene.url}?resumeAt=${offset}&own=${position}` }),
  );
  scene.source.push("text");
  await reading.reached(4);
  scene.proxy.cut();
  await letRetry(scene);
  await endAfterNext(scene, reading);
  await reading.ended;
  expect(scene.requests).toEqual(["", "?resumeAt=4&own=4", "?resumeAt=13&own=13"]);
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
  expect([calls, scene.requests]).toEqual([3, ["", "?resumeAt=4", "?resumeAt=13"]]);
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
  expect([resumeUrl.search, scene.requests]).toEqual([
    "?chat=2",
    ["", "?chat=1&resumeAt=4", "?chat=1&resumeAt=13"],
  ]);
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
  // The second is about the end.
  expect(scene.requests).toEqual(["", "?resumeAt=2"]);
});

test.each([
  ["resumeUrl", { method: "POST" }],
  ["stallTimeoutMs", { stallTimeoutMs: 0 }],
  ["maxAttempts", { maxAttempts: Number.NaN }],
])("a %s that can't be used is a TypeError naming it", async (name, init) => {
  await using scene = await openScene();
  await expect(scene.fetch(init)).rejects.toThrow(new RegExp(`^${name} must be`));
});

test("the query of a URL goes with a resume as it was written", async () => {
  await using scene = await openScene();
  const query = "?q=a%20b+c&resumeAt=0&~(x)!'*=%7e&flag&resumeAtAll=1&";
  const reading = readText(await fetchOn(scene.platform, scene.url + query, {}));
  scene.source.push("data: a\n\n");
  await reading.reached(9);
  scene.proxy.cut();
  await letRetry(scene);
  await endAfterNext(scene, reading);
  expect((await reading.ended).kind).toBe("closed");
  const written = new URL(scene.url + query).search;
  expect(scene.requests).toEqual([written, `${written.replace("resumeAt=0&", "")}resumeAt=9`]);
});

describe("a POST without resumeUrl", () => {
  const post = { method: "POST", headers: { authorization: "Bearer 1" } };

  test("goes on where its answer says that it can be read again", async () => {
    await using scene = await openScene({ headers: { "content-location": "/elsewhere?chat=1" } });
    const reading = readText(await scene.fetch(post));
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    scene.proxy.cut();
    await letRetry(scene);
    await endAfterNext(scene, reading);
    expect((await reading.ended).kind).toBe("closed");
    expect(scene.requests).toEqual(["", "?chat=1&resumeAt=9"]);
  });

  test("that was redirected to another origin gives that one nothing of its own to resume with", async () => {
    await using elsewhere = await openScene({ headers: { "content-location": "/answer" } });
    await using scene = await openScene();
    scene.answers.push(() => new Response(null, { status: 307, headers: { location: elsewhere.url } }));
    await expect(scene.fetch(post)).rejects.toThrow(/resumeUrl.*content-location/);
    expect(elsewhere.requests).toEqual([""]);
  });

  test.each([
    ["no place at all", undefined],
    ["a place of another origin", "http://elsewhere.test/answer"],
  ])("whose answer names %s is a TypeError that says so", async (_, place) => {
    await using scene = await openScene(
      place === undefined ? {} : { headers: { "content-location": place } },
    );
    await expect(scene.fetch(post)).rejects.toThrow(/resumeUrl.*content-location/);
    expect(scene.requests).toEqual([""]);
  });
});
