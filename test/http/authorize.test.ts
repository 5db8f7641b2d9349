// Who may read and stop a stream: true is a yes, and nothing else is.

import { afterEach, beforeEach, expect, test } from "vitest";
import { createResumeHandlers } from "../../src/http.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";

const id = "authorize";
let context: ResumableStreamContext;

beforeEach(async () => {
  context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
  const source = manualSource();
  await context.createNewResumableStream(id, source.makeStream);
  source.push("data: secret\n\n");
});

afterEach(() => context.close());

/** What GET and DELETE answer where authorize, as JavaScript may have it, answers so. */
async function answersTo(answer: unknown): Promise<[get: Response, del: Response]> {
  const handlers = createResumeHandlers(context, {
    streamId: () => id,
    authorize: () => answer as boolean | Response,
  });
  const request = new Request("http://localhost/stream");
  return [await handlers.GET(request), await handlers.DELETE(request)];
}

test("true reads and stops the stream", async () => {
  const [got, deleted] = await answersTo(true);
  expect([got.status, deleted.status]).toEqual([200, 200]);
  expect(await context.hasExistingStream(id)).not.toBe(true);
});

test.each([
  ["false", false],
  ["undefined", undefined],
  ["null", null],
  ["0", 0],
  ["1", 1],
  ["an empty string", ""],
  ["a string", "yes"],
  ["an empty object", {}],
  ["an object of true", Object(true)],
  ["a user", { id: "user-1", status: "active" }],
  ["what another HTTP client was answered", { status: 200, headers: {}, data: true }],
  ["a file", new Blob(["yes"])],
  ["a function", () => true],
])("403 where authorize answers with %s, and the stream runs on", async (_name, answer) => {
  const answers = await answersTo(answer);
  for (const { status } of answers) expect(status).toBe(403);
  for (const response of answers) expect(await response.text()).toBe("This stream isn't yours to read.\n");
  expect(await context.hasExistingStream(id)).toBe(true);
});

test("403, too, where there is nothing to resume, and for a position that is none", async () => {
  const asked: unknown[] = [];
  const of = (streamId: string | null) =>
    createResumeHandlers(context, {
      streamId: () => streamId,
      authorize: (_request, named) => {
        asked.push(named);
        return false;
      },
    });
  const statuses = async ({ GET, DELETE }: ReturnType<typeof of>, query = ""): Promise<number[]> => {
    const request = (): Request => new Request(`http://localhost/stream${query}`);
    return [(await GET(request())).status, (await DELETE(request())).status];
  };
  for (const none of [null, "", "never"]) expect(await statuses(of(none))).toEqual([403, 403]);
  expect(await statuses(of(id), "?resumeAt=x&generation=!")).toEqual([403, 403]);
  expect(asked).toEqual([null, null, null, null, "never", "never", id, id]);
});

test("an answer of authorize's own is sent as it is", async () => {
  const answer = new Response("Log in first.", { status: 401 });
  expect(await answersTo(answer)).toEqual([answer, answer]);
  expect(await context.hasExistingStream(id)).toBe(true);
});

test("also where the server has put a class of its own in the place of Response", async () => {
  const Platform = globalThis.Response;
  globalThis.Response = class extends Platform {};
  try {
    const answer = Platform.json({ error: "log in" }, { status: 401 });
    expect(answer).not.toBeInstanceOf(Response);
    const [got, deleted] = await answersTo(answer);
    expect([got, deleted].every((response) => response === answer)).toBe(true);
  } finally {
    globalThis.Response = Platform;
  }
  expect(await context.hasExistingStream(id)).toBe(true);
});

test("and where it is no subclass of anything here, as one of another realm", async () => {
  const answer = {
    status: 401,
    headers: new Headers(),
    body: null,
    arrayBuffer: async () => new ArrayBuffer(),
  };
  const [got, deleted] = await answersTo(answer);
  expect([got, deleted].every((response) => Object.is(response, answer))).toBe(true);
});
