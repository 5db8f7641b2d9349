// What goes with a resume of the first request, who makes it, and when a server says it may.

import { describe, expect, test, vi } from "vitest";
import { resumableFetch, ResumableFetchError, type ResumableFetchInit } from "../../src/client.ts";
import { fetchOn } from "../../src/client/resumable-fetch.ts";
import { until } from "../support/wait.ts";
import { endAfterNext, letRetry, readText, unmarked } from "./reader.ts";
import { type ClientScene, openScene } from "./scene.ts";

/** The requests that a text with one cut makes. */
async function requestsOf(
  init: (scene: ClientScene) => ResumableFetchInit,
  input: (scene: ClientScene) => Request | string = ({ url }) => url,
): Promise<Request[]> {
  await using scene = await openScene();
  const seen: Request[] = [];
  const own = async (to: string | URL | Request, options?: RequestInit): Promise<Response> => {
    seen.push(new Request(to, options));
    return fetch(to, options);
  };
  const reading = readText(await fetchOn({ ...scene.platform, fetch: own }, input(scene), init(scene)));
  scene.source.push("data: a\n\n");
  await reading.reached(9);
  scene.proxy.cut();
  await letRetry(scene);
  await endAfterNext(scene, reading);
  expect((await reading.ended).kind).toBe("closed");
  return seen;
}

const headersOf = (requests: Request[], name: string) => requests.map(({ headers }) => headers.get(name));

describe("with a resume goes", () => {
  test("nothing that is about the first request's body, or about another part of the text", async () => {
    const headers = {
      "last-event-id": "0",
      range: "bytes=0-",
      "if-none-match": '"a"',
      "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT",
      "content-language": "de",
      "x-api-key": "1",
    };
    const [, resume] = await requestsOf(() => ({ headers }));
    expect(Object.fromEntries(resume?.headers ?? [])).toEqual({ "x-api-key": "1" });
  });

  test("what a Request says of redirects, referrer, cache, mode and credentials", async () => {
    const settings = {
      redirect: "error",
      referrer: "",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      mode: "same-origin",
      credentials: "omit",
    } as const;
    const [, resume] = await requestsOf(
      () => ({}),
      ({ url }) => new Request(url, settings),
    );
    const { redirect, referrer, referrerPolicy, cache, mode, credentials } =
      resume ?? new Request("http://other/");
    expect({ redirect, referrer, referrerPolicy, cache, mode, credentials }).toEqual(settings);
  });

  test.each([
    [{}, "no-store"],
    [{ cache: "reload" }, "reload"],
  ] as const)("in a browser the cache mode of %o", async (init, mode) => {
    vi.stubGlobal("location", new URL("http://page/"));
    const requests = await requestsOf(() => init).finally(() => vi.unstubAllGlobals());
    expect(requests.map(({ cache }) => cache)).toEqual(requests.map(() => mode));
  });

  test("no integrity, which is of the whole body", async () => {
    const [, resume] = await requestsOf(() => ({ integrity: "" }));
    expect(resume?.integrity).toBe("");
  });
});

describe("headers", () => {
  test("of a function are asked for at each attempt", async () => {
    let calls = 0;
    const requests = await requestsOf(() => ({
      headers: async () => ({ authorization: `Bearer ${++calls}` }),
    }));
    expect(headersOf(requests, "authorization")).toEqual(["Bearer 1", "Bearer 2"]);
  });

  test("of a function are asked for anew at each attempt of the first request", async () => {
    await using scene = await openScene();
    scene.answers.push(() => new Response(null, { status: 503 }));
    const sent: (string | null)[] = [];
    let calls = 0;
    const fetching = scene.fetch({
      headers: async () => ({ authorization: `Bearer ${++calls}` }),
      fetch: (input, init) => {
        sent.push(new Headers(init?.headers).get("authorization"));
        return fetch(input, init);
      },
    });
    await until(() => sent.length === 1 && scene.clock.waiting().length > 0, { what: "a first answer" });
    await letRetry(scene);
    expect((await fetching).status).toBe(200);
    expect(sent).toEqual(["Bearer 1", "Bearer 2"]);
  });

  test("of an object are those it has by then", async () => {
    const headers = new Headers({ authorization: "Bearer 1" });
    const requests = await requestsOf(({ url }) => ({
      headers,
      resumeUrl: (offset) => {
        headers.set("authorization", "Bearer 2");
        return `${url}?resumeAt=${offset}`;
      },
    }));
    expect(headersOf(requests, "authorization")).toEqual(["Bearer 1", "Bearer 2"]);
  });

  test("of a function that fails are an attempt that failed", async () => {
    await using scene = await openScene();
    let calls = 0;
    const headers = (): HeadersInit => {
      if (++calls === 2) throw new Error("no token yet");
      return { authorization: `Bearer ${calls}` };
    };
    const reading = readText(await scene.fetch({ headers }));
    scene.source.push("data: a\n\n");
    await reading.reached(9);
    scene.proxy.cut();
    await letRetry(scene);
    await endAfterNext(scene, reading);
    expect((await reading.ended).kind).toBe("closed");
    expect([calls, scene.requests.length]).toEqual([3, 2]);
  });
});

test("every request is made by the fetch that was given", async () => {
  await using scene = await openScene();
  const asked: string[] = [];
  const own = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    asked.push(new URL(input instanceof Request ? input.url : input).search);
    return fetch(input, init);
  };
  const reading = readText(await scene.fetch({ fetch: own }));
  scene.source.push("data: a\n\n");
  await reading.reached(9);
  scene.proxy.cut();
  await letRetry(scene);
  await endAfterNext(scene, reading);
  await reading.ended;
  expect(asked.map(unmarked)).toEqual(["", "?resumeAt=9"]);
});

test("an answer without a body is an attempt that brought nothing", async () => {
  await using scene = await openScene();
  const own = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const response = await fetch(input, init);
    if (scene.requests.length !== 2) return response;
    await response.body?.cancel();
    return new Response(null, response);
  };
  const reading = readText(await scene.fetch({ fetch: own }));
  scene.source.push("data: a\n\n");
  await reading.reached(9);
  scene.proxy.cut();
  await letRetry(scene);
  await letRetry(scene);
  await endAfterNext(scene, reading);
  expect((await reading.ended).kind).toBe("closed");
  expect(scene.requests).toEqual(["", "?resumeAt=9", "?resumeAt=9"]);
});

test("a server that names a time isn't asked before, whatever wakes, and isn't given up before", async () => {
  await using scene = await openScene();
  const reading = readText(await scene.fetch({ maxAttempts: 2 }));
  scene.source.push("data: a\n\n");
  await reading.reached(9);
  scene.answers.push(() => new Response(null, { status: 429, headers: { "retry-after": "30" } }));
  scene.proxy.cut();
  await letRetry(scene);
  await until(() => scene.clock.waiting()[0] === 31_000, { what: "the wait" });
  scene.platform.wake("online");
  scene.platform.wake("visible");
  scene.clock.pass(30_999);
  expect(scene.requests).toHaveLength(2);
  scene.clock.pass(1);
  await endAfterNext(scene, reading);
  expect((await reading.ended).kind).toBe("closed");
});

describe("an error", () => {
  const codes = [
    "SOURCE_FAILED",
    "PRODUCER_LOST",
    "MISSED_END",
    "REFUSED",
    "NOT_RESUMED",
    "UNREACHABLE",
  ] as const;

  test.each(codes)("%s is a TypeError, as fetch throws, with a message that says what to do", (code) => {
    const error = new ResumableFetchError(code);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/^The .+\. (Ask|Load|Check|Answer|Try) .+\.$/);
    expect(error.message).not.toMatch(/undefined/);
    expect(new ResumableFetchError(code, 403).message).toMatch(/403/);
  });

  test.each(codes)("%s is taken for a lost connection by the AI SDK where it is one", (code) => {
    // As its versions 5, 6 and 7 look at what a body errors with.
    const message = new ResumableFetchError(code, 503).message.toLowerCase();
    const isDisconnect =
      message.includes("fetch") || message.includes("network") || message === "load failed";
    expect(isDisconnect).toBe(code === "UNREACHABLE");
  });
});

test("in a browser a URL is asked past the cache, and a Request as it is", async () => {
  vi.stubGlobal("location", new URL("http://page.example/"));
  const inits: (RequestInit | undefined)[] = [];
  const own = async (_to: unknown, init?: RequestInit): Promise<Response> => {
    inits.push(init);
    return new Response(null, { status: 204 });
  };
  try {
    await resumableFetch("/stream", { fetch: own });
    await resumableFetch("/stream", { fetch: own, cache: "reload" });
    // Any option would take its referrer.
    await resumableFetch(new Request("http://page.example/stream"), { fetch: own });
  } finally {
    vi.unstubAllGlobals();
  }
  expect(inits).toEqual([{ cache: "no-store" }, { cache: "reload" }, {}]);
});
