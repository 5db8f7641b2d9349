// A chat is answered once at a time, over memory.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { createChats, type Message, question, untilAsked, untilSaved } from "./chats.ts";

let context: ResumableStreamContext;
beforeEach(() => {
  context = createResumableStreamContext({ waitUntil: null, keyPrefix: crypto.randomUUID() });
});
afterEach(() => context.close());

const told = (response: Response) => [response.status, response.headers.get("stream-status")];

test("two questions at the same moment: one is answered, and the other gets 409", async () => {
  const chats = createChats(context);
  const responses = await Promise.all([chats.POST(question("q1")), chats.POST(question("q2"))]);
  expect(responses.map(told)).toEqual([
    [200, "running"],
    [409, "running"],
  ]);
  const asked = await untilAsked(chats);
  asked.say("Yes.");
  asked.end();
  expect(await responses[0].text()).toContain("Yes.");
  const [saved] = await untilSaved(chats);
  expect(saved?.messages).toEqual([question("q1"), saved?.message]);
  // The next one isn't held up by either.
  expect(told(await chats.POST(question("q3")))).toEqual([200, "running"]);
});

test("409 while an answer runs, which goes on", async () => {
  const chats = createChats(context);
  const first = await chats.POST(question("q1"));
  const refused = await chats.POST(question("q2"));
  expect(told(refused)).toEqual([409, "running"]);
  const asked = await untilAsked(chats);
  asked.say("whole");
  asked.end();
  expect(await first.text()).toContain("whole");
  const [saved] = await untilSaved(chats);
  expect(saved?.messages.map(({ id }) => id)).toEqual(["q1", saved?.message?.id]);
});

test("a question whose chat can't be loaded bars the chat for half a minute, and not for ever", async () => {
  const load = vi.fn<() => Promise<Message[]>>(() => Promise.resolve([]));
  const chats = createChats(context, { load });
  load.mockReturnValueOnce(new Promise(() => undefined));
  void chats.POST(question("q1"));
  await vi.waitFor(() => expect(load).toHaveBeenCalled());
  expect((await chats.POST(question("q2"))).status).toBe(409);
  vi.spyOn(performance, "now").mockReturnValue(performance.now() + 30_000);
  try {
    expect((await chats.POST(question("q2"))).status).toBe(200);
  } finally {
    vi.restoreAllMocks();
  }
});
