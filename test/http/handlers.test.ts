// Route handlers: each status, and the header that names it.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createResumeHandlers, generationOf, type ResumeHandlersOptions } from "../../src/http.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/generic.ts";
import { createResumableStreamContext as overMemory } from "../../src/memory.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { until } from "../support/wait.ts";
import { readBody } from "./bytes.ts";

let context: ResumableStreamContext;
let ids = 0;
let id = "";

beforeEach(() => {
  id = `handlers-${++ids}`;
  context = overMemory({ waitUntil: null, onError: () => undefined });
});

afterEach(() => context.close());

const handlers = (options: Partial<ResumeHandlersOptions> = {}) =>
  createResumeHandlers(context, { streamId: () => id, authorize: () => true, ...options });

const request = (search = "", headers: HeadersInit = {}) =>
  new Request(`http://localhost/stream${search}`, { headers });

const told = (response: Response) => [response.status, response.headers.get("stream-status")];

async function produce() {
  const source = manualSource();
  const stream = await context.createNewResumableStream(id, source.makeStream);
  if (!stream) throw new Error("No stream");
  return { source, stream };
}

describe("GET", () => {
  test("resumes from the start, from resumeAt, or from Last-Event-ID, which an EventSource has newer than its URL", async () => {
    const { source, stream } = await produce();
    source.push("data: a\n\ndata: b\n\n");
    const mark = generationOf(stream);
    const [a, b] = [`data: a\nid: 9.${mark}\n\n`, `data: b\nid: 18.${mark}\n\n`];
    const cases: [Request, string][] = [
      [request(), a + b],
      [request("?resumeAt=9"), b],
      [request(`?resumeAt=9.${mark}`), b],
      [request("", { "last-event-id": "9" }), b],
      [request("", { "last-event-id": `9.${mark}` }), b],
      [request("?resumeAt=0", { "last-event-id": "9" }), b],
      [request("?resumeAt=9", { "last-event-id": "" }), b],
    ];
    for (const [asked, text] of cases) {
      const response = await handlers().GET(asked);
      expect(told(response)).toEqual([200, "running"]);
      const body = readBody(response);
      await body.next();
      expect(await body.next()).toBe(`${text}: resumable-stream caught-up\n\n`);
      await body.leave();
    }
  });

  test("204, absent, where there is nothing to resume", async () => {
    expect(told(await handlers().GET(request()))).toEqual([204, "absent"]);
    expect(told(await handlers().GET(request("?resumeAt=0")))).toEqual([204, "absent"]);
    for (const nothing of [null, undefined, ""]) {
      const { GET } = handlers({ streamId: () => nothing });
      expect(told(await GET(request()))).toEqual([204, "absent"]);
    }
  });

  test("204, done, where the stream has ended", async () => {
    const stream = await context.createNewResumableStream(id, sourceOf(["data: a\n\n"]));
    for await (const _ of stream ?? []);
    await until(async () => (await context.hasExistingStream(id)) === "DONE", { what: "its end" });
    expect(told(await handlers().GET(request()))).toEqual([204, "done"]);
    expect(told(await handlers().GET(request("?resumeAt=5")))).toEqual([204, "done"]);
  });

  test.each([
    "abc",
    "-1",
    "1.",
    "1.5.6",
    "1.A",
    "1.-5",
    ".5",
    "1.zzzzzzzzzzzz",
    "1e3",
    " 1",
    "9007199254740993",
    "12a",
    "NaN",
    "",
  ])('400 for the offset "%s"', async (offset) => {
    await produce();
    const search = `?${new URLSearchParams({ resumeAt: offset }).toString()}`;
    expect((await handlers().GET(request(search))).status).toBe(400);
  });

  test.each(["abc", "-1", "1.", "12a"])('400 for the Last-Event-ID "%s"', async (offset) => {
    await produce();
    expect((await handlers().GET(request("", { "last-event-id": offset }))).status).toBe(400);
  });

  test("204, missed, where atEnd has more to say of this end than the reader has", async () => {
    const { GET } = handlers({ atEnd: (end) => (end === "stopped" ? "data: stopped\n\n" : "") });
    const ask = async () => {
      const { status, headers } = await GET(request("?resumeAt=4"));
      return [status, headers.get("stream-status"), headers.get("stream-offset")];
    };
    const { source } = await produce();
    source.push("text");
    await context.stopStream(id);
    await until(async () => (await ask())[0] === 204, { what: "the end" });
    expect(await ask()).toEqual([204, "missed", "4"]);
    await context.createNewResumableStream(id, sourceOf(["text"]));
    await until(async () => (await ask())[1] === "done", { what: "another end" });
  });

  test("403 where authorize says no, or the answer that it gives", async () => {
    await produce();
    const asked: unknown[] = [];
    const { GET, DELETE } = handlers({
      authorize: async (_request, streamId) => {
        asked.push(streamId);
        return false;
      },
    });
    expect((await GET(request())).status).toBe(403);
    expect((await DELETE(request())).status).toBe(403);
    expect(asked).toEqual([id, id]);
    expect(await context.hasExistingStream(id)).toBe(true);
    const own = handlers({ authorize: () => new Response("Log in first.", { status: 401 }) });
    expect((await own.GET(request())).status).toBe(401);
  });

  test("410, lost, where a reader has a part of a stream that is gone", async () => {
    const { source, stream } = await produce();
    source.push("data: a\n\n");
    source.fail(new Error("model overloaded"));
    await stream.cancel();
    await until(async () => (await context.hasExistingStream(id)) === null, { what: "its end" });
    expect(told(await handlers().GET(request("", { "last-event-id": "9" })))).toEqual([410, "lost"]);
    expect(told(await handlers().GET(request("?resumeAt=9")))).toEqual([410, "lost"]);
  });

  test("503, unavailable, where the backend gives no answer, and where the context is closed", async () => {
    const fail = async () => Promise.reject(new Error("ECONNREFUSED"));
    const outage = createResumableStreamContext({
      waitUntil: null,
      onError: () => undefined,
      publisher: { publish: fail, set: fail, get: fail, incr: fail },
      subscriber: { subscribe: fail, unsubscribe: fail },
    });
    const options = { streamId: () => id, authorize: () => true };
    expect(told(await createResumeHandlers(outage, options).GET(request()))).toEqual([503, "unavailable"]);
    await outage.close();
    expect(told(await createResumeHandlers(outage, options).GET(request()))).toEqual([503, "unavailable"]);
  });

  test("503 also where the context is of another copy of this library, as a bundler may give each route", async () => {
    vi.resetModules();
    const copy = await import("../../src/memory.ts");
    expect(copy.createResumableStreamContext).not.toBe(overMemory);
    const other = copy.createResumableStreamContext({ waitUntil: null });
    await other.close();
    const { GET } = createResumeHandlers(other, { streamId: () => id, authorize: () => true });
    expect(told(await GET(request()))).toEqual([503, "unavailable"]);
  });

  test("passes the options of the response on", async () => {
    await produce();
    const response = await handlers({ retryMs: 50, headers: { "x-own": "1" } }).GET(request());
    expect(response.headers.get("x-own")).toBe("1");
    expect(await readBody(response).next()).toContain("retry: 50\n");
  });
});

describe("DELETE", () => {
  test("200, stopped, where it stopped the stream, whose readers are told", async () => {
    await produce();
    const body = readBody(await handlers().GET(request()));
    const response = await handlers().DELETE(request());
    expect(told(response)).toEqual([200, "stopped"]);
    expect((await body.rest()).text).toContain("end=stopped");
  });

  test("204, absent, where none ran", async () => {
    expect(told(await handlers().DELETE(request()))).toEqual([204, "absent"]);
  });
});

describe("headers of the caller", () => {
  const headers = { "access-control-allow-origin": "https://app.example", vary: "origin" };
  const closed = async () => {
    await context.close();
    return handlers({ headers }).GET(request());
  };

  test.each([
    [200, "GET", async () => (await produce(), handlers({ headers }).GET(request()))],
    [200, "DELETE", async () => (await produce(), handlers({ headers }).DELETE(request()))],
    [204, "GET", () => handlers({ headers }).GET(request())],
    [204, "GET without a stream's id", () => handlers({ headers, streamId: () => null }).GET(request())],
    [204, "DELETE", () => handlers({ headers }).DELETE(request())],
    [400, "GET", () => handlers({ headers }).GET(request("?resumeAt=x"))],
    [403, "GET", () => handlers({ headers, authorize: () => false }).GET(request())],
    [410, "GET", () => handlers({ headers }).GET(request("?resumeAt=5"))],
    [503, "GET", closed],
  ])("are on a %i to %s, so that a page of another origin can see it", async (status, _method, answer) => {
    const response = await answer();
    expect(response.status).toBe(status);
    expect(Object.fromEntries(response.headers)).toMatchObject(headers);
    await response.body?.cancel();
  });

  test("change nothing that an answer without a stream says of itself", async () => {
    const response = await handlers({
      headers: [
        ["Cache-Control", "max-age=60"],
        ["Stream-Status", "running"],
        ["Access-Control-Expose-Headers", "x-own"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    }).GET(request());
    expect(told(response)).toEqual([204, "absent"]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("access-control-expose-headers")).toBe(
      "x-own, stream-status, stream-offset, stream-generation, content-location, retry-after",
    );
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });
});

test("the framework's further arguments get to streamId and authorize", async () => {
  await produce();
  const { GET } = createResumeHandlers<[{ params: { id: string } }]>(context, {
    streamId: (_request, { params }) => params.id,
    authorize: (_request, streamId, { params }) => params.id === streamId,
  });
  expect((await GET(request(), { params: { id } })).status).toBe(200);
});

test("what streamId and authorize throw is the caller's to see", async () => {
  const broken = handlers({
    authorize: () => {
      throw new Error("no database");
    },
  });
  await expect(broken.GET(request())).rejects.toThrow("no database");
});

test.each(["streamId", "authorize"])("a missing %s is a TypeError naming it", (name) => {
  expect(() => handlers({ [name]: undefined })).toThrow(
    new TypeError(`${name} must be a function, got undefined.`),
  );
});

test("an option of the response that can't be used is a TypeError when the handlers are made", () => {
  expect(() => handlers({ retryMs: 0.5 })).toThrow(
    new TypeError("retryMs must be a whole number from 0, got 0.5."),
  );
});
