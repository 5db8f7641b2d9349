// The handlers of a chat's route, over memory: who may ask, what is saved, and what a request gets.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createChatHandlers, type ChatHandlersOptions, uiMessageText } from "../../src/ai-sdk.ts";
import { SET_ON_END } from "../../src/api/on-end.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import {
  createChats,
  type Message,
  question,
  savedAnswers,
  textOf,
  untilAsked,
  untilSaved,
} from "./chats.ts";

const options = { waitUntil: null, onError: () => undefined };
let context: ResumableStreamContext;
beforeEach(() => {
  context = createResumableStreamContext({ ...options, keyPrefix: crypto.randomUUID() });
});
afterEach(() => context.close());

const chunksOf = (chunks: { type: string }[]) =>
  new ReadableStream<{ type: string }>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
const told = (response: Response) => [response.status, response.headers.get("stream-status")];
const bodyOf = (response: Response): Promise<string> => response.text();
const markOf = (response: Response): string => response.headers.get("stream-generation") ?? "";

describe("POST", () => {
  test("saves the question before the model is asked, and the answer once it is done", async () => {
    const chats = createChats(context);
    const response = await chats.POST(question("q1"), { body: { model: "large" } });
    expect(told(response)).toEqual([200, "running"]);
    expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    const asked = await untilAsked(chats);
    expect(asked).toMatchObject({ chatId: "chat", messages: [question("q1")], body: { model: "large" } });
    expect(chats.saved).toEqual([
      { chatId: "chat", messages: [question("q1")], message: question("q1"), end: undefined },
    ]);
    asked.say("Good ");
    asked.say("day.");
    asked.end();
    expect(await bodyOf(response)).toContain('"delta":"day."');
    const [saved] = await untilSaved(chats);
    expect(saved).toMatchObject({ chatId: "chat", generation: markOf(response), end: "done" });
    expect(textOf(saved?.message)).toBe("Good day.");
    expect(saved?.messages).toEqual([question("q1"), saved?.message]);
    expect(chats.stored.get("chat")).toEqual(saved?.messages);
    expect(savedAnswers(chats)).toHaveLength(1);
  });

  test("the page and the store have one id for the answer", async () => {
    const chats = createChats(context);
    const response = await chats.POST(question("q1"));
    const asked = await untilAsked(chats);
    asked.say("Hi");
    asked.end();
    const [, id] = /"messageId":"([^"]+)"/.exec(await bodyOf(response)) ?? [];
    const [saved] = await untilSaved(chats);
    expect(saved?.message?.id).toBe(id);
  });

  const chunks = [
    { type: "text-start", id: "t" },
    { type: "text-delta", id: "t", delta: "x" },
  ];
  test.each([
    {
      what: "an id of the app's own stays",
      given: [{ type: "start", messageId: "mine" }, ...chunks],
      id: /^mine$/,
    },
    {
      what: "an answer that begins without a start gets an id",
      given: chunks,
      id: /^[0-9a-f]{8}-[0-9a-f-]{27}$/,
    },
  ])("$what", async ({ given, id }) => {
    const chats = createChats(context, { answer: () => chunksOf(given) });
    await bodyOf(await chats.POST(question("q1")));
    const [saved] = await untilSaved(chats);
    expect(saved?.message?.id).toMatch(id);
    expect(textOf(saved?.message)).toBe("x");
  });

  test("asks authorize before anything, and takes only true for a yes", async () => {
    const touched: string[] = [];
    const touch = (what: string) => () => {
      touched.push(what);
      return [];
    };
    for (const no of [false, undefined, 1, "yes", {}, []]) {
      const asked: unknown[] = [];
      const chats = createChats(context, {
        prefix: crypto.randomUUID(),
        load: touch("load"),
        save: touch("save"),
        authorize: (request, chatId) => {
          asked.push([request.method, chatId]);
          return no as boolean;
        },
      });
      const responses = [
        await chats.POST("not even a message"),
        await chats.GET(),
        await chats.GET("&messages"),
        await chats.DELETE(),
      ];
      expect(responses.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
      expect(asked).toEqual([
        ["POST", "chat"],
        ["GET", "chat"],
        ["GET", "chat"],
        ["DELETE", "chat"],
      ]);
    }
    expect(touched).toEqual([]);
    const chats = createChats(context, { authorize: () => new Response("Who?", { status: 401 }) });
    expect((await chats.POST(question("q"))).status).toBe(401);
    expect((await chats.GET("&messages")).status).toBe(401);
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a text", "Hello"],
    ["no id", { ...question("x"), id: undefined }],
    ["an empty id", question("")],
    ["an answer", { ...question("x"), role: "assistant" }],
    ["a system message", { ...question("x"), role: "system" }],
    ["no parts", { ...question("x"), parts: [] }],
    ["parts that are none", { ...question("x"), parts: ["text"] }],
    ["a part without a type", { ...question("x"), parts: [{ text: "a" }] }],
  ])("400 for %s in place of a message, and nothing is saved", async (_what, message) => {
    const chats = createChats(context);
    expect((await chats.POST(message)).status).toBe(400);
    expect(chats.saved).toEqual([]);
    expect(chats.answers).toEqual([]);
  });

  test("415 for what a form of another site can send", async () => {
    const chats = createChats(context);
    expect((await chats.POST(question("q"), { type: "text/plain" })).status).toBe(415);
    expect(chats.saved).toEqual([]);
  });

  test("keeps of a message what is a message's, and takes what validate takes", async () => {
    const chats = createChats(context, { validate: ({ parts }) => parts[0]?.text !== "bad" });
    expect((await chats.POST(question("q", "bad"))).status).toBe(400);
    const more = { ...question("q"), metadata: { at: 1 }, createdAt: "now", isAdmin: true };
    expect((await chats.POST(more)).status).toBe(200);
    expect(chats.saved.map(({ message }) => message)).toEqual([{ ...question("q"), metadata: { at: 1 } }]);
  });

  test("400 for a request that names no chat", async () => {
    const { POST, GET, DELETE } = createChatHandlers<Message>(context, {
      authorize: () => true,
      load: () => [],
      save: () => undefined,
      answer: () => new ReadableStream(),
    });
    for (const handle of [POST, GET, DELETE]) {
      expect((await handle(new Request("http://localhost/api/chat"))).status).toBe(400);
    }
  });

  test("a question is asked again under its id: what came after it is gone", async () => {
    const chats = createChats(context);
    const ask = async (id: string, text: string, count: number): Promise<void> => {
      const response = await chats.POST(question(id, text));
      const asked = await untilAsked(chats, count);
      asked.say(`to ${text}`);
      asked.end();
      await bodyOf(response);
      await untilSaved(chats, count);
    };
    await ask("q1", "one", 1);
    await ask("q2", "two", 2);
    await ask("q2", "two, again", 3);
    expect(chats.stored.get("chat")?.map(textOf)).toEqual(["one", "to one", "two, again", "to two, again"]);
  });

  test("503 with the context closed", async () => {
    const chats = createChats(context);
    await context.close();
    expect(told(await chats.POST(question("q")))).toEqual([503, "unavailable"]);
    expect(told(await chats.GET())).toEqual([503, "unavailable"]);
    expect(told(await chats.DELETE())).toEqual([503, "unavailable"]);
  });
});

describe("GET", () => {
  test("resumes by position, and names the answer that has ended since", async () => {
    const chats = createChats(context);
    const response = await chats.POST(question("q1"));
    const asked = await untilAsked(chats);
    const reader = (await chats.GET()).body?.getReader();
    asked.say("Good day.");
    asked.end();
    const text = await bodyOf(response);
    const [, position = ""] = [...text.matchAll(/^id: (\S+)$/gm)].at(2) ?? [];
    expect(told(await chats.GET(`&resumeAt=${position}`))[0]).toBeOneOf([200, 204]);
    await reader?.cancel();
    await untilSaved(chats);
    await expect.poll(async () => told(await chats.GET())).toEqual([204, "done"]);
    expect(markOf(await chats.GET())).toBe(markOf(response));
    expect(told(await chats.GET("", "another"))).toEqual([204, "absent"]);
  });

  test("?messages gives the chat as it is saved", async () => {
    const chats = createChats(context);
    chats.stored.set("chat", [question("q1", "zwölf")]);
    const response = await chats.GET("&messages");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const bytes = await response.arrayBuffer();
    expect(response.headers.get("content-length")).toBe(String(bytes.byteLength));
    expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual([question("q1", "zwölf")]);
  });

  test("headers of the app are on every answer", async () => {
    const headers = { "access-control-allow-origin": "https://a.example" };
    const chats = createChats(context, { headers });
    const responses = [
      await chats.GET(),
      await chats.GET("&messages"),
      await chats.DELETE(),
      await chats.POST("none"),
      await chats.POST(question("q1")),
      await chats.POST(question("q2")),
    ];
    for (const response of responses) {
      expect(response.headers.get("access-control-allow-origin")).toBe("https://a.example");
    }
  });
});

describe("createChatHandlers", () => {
  const whole: ChatHandlersOptions<Message> = {
    authorize: () => true,
    load: () => [],
    save: () => undefined,
    answer: () => new ReadableStream(),
  };

  test.each(["authorize", "load", "save", "answer", "validate", "chatId"])(
    "throws a TypeError that names %s if it is no function",
    (name) => {
      expect(() => createChatHandlers(context, { ...whole, [name]: "no" as never })).toThrow(
        new RegExp(`^${name} must be a function`),
      );
    },
  );

  test("of what a callback gives that is of no use the error names the callback, and nothing is asked or saved", async () => {
    const refused = async (odd: object, name: RegExp): Promise<void> => {
      const chats = createChats(context, odd);
      await expect(chats.POST(question("q1"))).rejects.toThrow(name);
      await expect(chats.GET("&messages")).rejects.toThrow(name);
      expect([chats.answers, chats.saved]).toEqual([[], []]);
    };
    await refused({ load: () => undefined }, /^load must give an array/);
    // Each would be the same chat of all users.
    await refused({ chatId: () => ({ id: "chat" }) }, /^chatId must give a string/);
    expect(() => uiMessageText(new Response() as never)).toThrow(/^An answer must be a stream/);
  });

  test("throws a TypeError over a context with an onEnd of its own, or one that isn't ours", () => {
    const own = createResumableStreamContext({ ...options, onEnd: () => undefined });
    expect(() => createChatHandlers(own, whole)).toThrow(TypeError);
    const { [SET_ON_END as never]: _, ...other } = context;
    expect(() => createChatHandlers(other, whole)).toThrow(TypeError);
  });

  test("made again over one context, as a module that is loaded anew does, the newer ones save", async () => {
    const older = createChats(context);
    const newer = createChats(context);
    const response = await older.POST(question("q1"));
    (await untilAsked(older)).end();
    await bodyOf(response);
    await untilSaved(newer);
    expect(savedAnswers(older)).toEqual([]);
  });
});
