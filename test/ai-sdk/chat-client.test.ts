// The client of a chat's page, without a browser: what is asked here while the page loads the chat isn't lost.

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createChatClient } from "../../src/ai-sdk-client.ts";
import { createDeferred } from "../../src/lib/deferred.ts";

interface Message {
  id: string;
  role: "user" | "assistant";
}

// A page, and no server's rendering.
beforeAll(() => {
  vi.stubGlobal("document", Object.assign(new EventTarget(), { baseURI: "http://localhost/" }));
});
afterAll(() => {
  vi.unstubAllGlobals();
});

const messages = (...ids: string[]): Message[] =>
  ids.map((id) => ({ id, role: id.startsWith("q") ? "user" : "assistant" }));

/** A page that shows a part of the first answer, and asks whether it goes on: it has ended. `q2` is asked meanwhile. */
async function askWhile(moment: "it resumes" | "it loads", stored: string[]): Promise<string[]> {
  const held = { "it resumes": createDeferred<undefined>(), "it loads": createDeferred<undefined>() };
  held[moment === "it loads" ? "it resumes" : "it loads"].resolve(undefined);
  const loading = createDeferred<undefined>();
  const client = createChatClient<Message>({
    fetch: async (input, init) => {
      if (init?.method === "POST") return new Response(null, { status: 204 });
      if (typeof input === "string" && !input.endsWith("&messages")) {
        await held["it resumes"].promise;
        const headers = { "stream-status": "done", "stream-generation": "a1" };
        return new Response(null, { status: 204, headers });
      }
      loading.resolve(undefined);
      await held["it loads"].promise;
      return Response.json(messages(...stored));
    },
  });
  let shown = messages("q1", "a1");
  client.attach({
    id: "1",
    messages: shown,
    setMessages: (change) => void (shown = change(shown)),
    resumeStream: async () => undefined,
  });
  const { fetch, prepareReconnectToStreamRequest } = client.transport;
  const { api } = prepareReconnectToStreamRequest({ id: "1" });
  const resuming = fetch(api);
  if (moment === "it loads") await loading.promise;
  // As useChat does it: on the page at once, and then sent.
  shown = [...shown, ...messages("q2")];
  await fetch(api, { method: "POST" });
  held[moment].resolve(undefined);
  await resuming;
  return shown.map(({ id }) => id);
}

test("messages that break off on their way are loaded again", async () => {
  let asked = 0;
  const client = createChatClient<Message>({
    fetch: () => {
      const breaks = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.error(new TypeError("terminated")),
      });
      return Promise.resolve(++asked === 1 ? new Response(breaks) : Response.json(messages("q1", "a1")));
    },
  });
  expect(await client.load("1")).toEqual(messages("q1", "a1"));
  expect(asked).toBe(2);
});

test.each([
  ["in a browser without its cache", new URL("http://page/"), "no-store"],
  ["elsewhere as the platform has it", undefined, undefined],
] as const)("messages are loaded %s", async (_where, location, cache) => {
  vi.stubGlobal("location", location);
  const inits: (RequestInit | undefined)[] = [];
  const client = createChatClient<Message>({
    fetch: (_input, init) => Promise.resolve((inits.push(init), Response.json([]))),
  });
  await client.load("1").finally(() => vi.stubGlobal("location", undefined));
  expect(inits.map((init) => init?.cache)).toEqual([cache]);
});

test("a question waits for a stop that hangs no longer than its own signal, and is told so", async () => {
  const asked: (string | undefined)[] = [];
  const client = createChatClient<Message>({
    fetch: (_, init) => {
      asked.push(init?.method);
      return new Promise(() => undefined);
    },
  });
  const { fetch, prepareReconnectToStreamRequest } = client.transport;
  const { api } = prepareReconnectToStreamRequest({ id: "1" });
  void client.stop("1");
  await vi.waitFor(() => expect(asked).toEqual(["DELETE"]));
  const abort = new AbortController();
  const question = fetch(api, { method: "POST", signal: abort.signal });
  abort.abort();
  await expect(question).rejects.toMatchObject({ name: "AbortError" });
  expect(asked).toEqual(["DELETE"]);
});

test("a stop names the answer that the page resumed, also where that had no signal", async () => {
  const asked: string[] = [];
  const client = createChatClient<Message>({
    fetch: (input, init) => {
      asked.push(`${init?.method ?? "GET"} ${input instanceof Request ? input.url : String(input)}`);
      if (init?.method === "DELETE") return Promise.resolve(new Response(null));
      const headers = {
        "content-type": "text/event-stream",
        "stream-generation": "a2",
        "stream-offset": "0",
      };
      return Promise.resolve(new Response(new ReadableStream(), { headers }));
    },
  });
  const { fetch, prepareReconnectToStreamRequest } = client.transport;
  await fetch(prepareReconnectToStreamRequest({ id: "1" }).api);
  await client.stop("1");
  expect(asked.at(-1)).toMatch(/^DELETE .*generation=a2$/);
});

test.each(["it resumes", "it loads"] as const)(
  "a question that is asked while %s stays on the page",
  async (moment) => {
    expect(await askWhile(moment, ["q1", "a1"])).toEqual(["q1", "a1", "q2"]);
    expect(await askWhile(moment, ["q1", "a1", "q2"])).toEqual(["q1", "a1", "q2"]);
  },
);

test("what came from elsewhere meanwhile stands before it", async () => {
  expect(await askWhile("it resumes", ["q1", "a1", "q0", "a0"])).toEqual(["q1", "a1", "q0", "a0", "q2"]);
});
