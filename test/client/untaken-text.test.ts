// What happens while a reader hasn't taken the old text, and is therefore not given the new: nothing comes out of order.

import { expect, test } from "vitest";
import type { Platform } from "../../src/client/platform.ts";
import { fetchOn } from "../../src/client/resumable-fetch.ts";
import { manualClock } from "../support/manual-clock.ts";
import { until } from "../support/wait.ts";

const FIRST = "data: a\nid: 9\n\n: resumable-stream caught-up\n\ndata: b\nid: 18\n\n";

/** A reader that has taken the old text of an answer that stays open; the next request is answered by `next`. */
async function openReader(next: () => Response) {
  const answers = [() => answerAt(0, new ReadableStream({ start: (body) => say(body, 0, FIRST) })), next];
  const turns: (() => void)[] = [];
  const wakers: (() => void)[] = [];
  const calls: string[] = [];
  const platform: Platform = {
    fetch: () => Promise.resolve(answers.shift()?.() ?? Response.error()),
    clock: { ...manualClock(), nextTurn: (callback) => void turns.push(callback) },
    random: () => 1,
    isOffline: () => false,
    onWake: (callback) => void wakers.push(() => callback("online")),
  };
  const onCaughtUp = (): void => void calls.push("caught up");
  const { body } = await fetchOn(platform, "http://localhost/", { onCaughtUp });
  const reader = body?.getReader();
  const readNext = async (): Promise<string | undefined> => {
    const { value } = (await reader?.read()) ?? {};
    return value && new TextDecoder().decode(value).split("\n")[0];
  };
  expect(await readNext()).toBe("data: a");
  return { readNext, calls, turns, reconnect: () => wakers[0]?.(), isAnswered: () => answers.length === 0 };
}

function answerAt(offset: number, body: ReadableStream<Uint8Array> | null): Response {
  const headers = { "content-type": "text/event-stream", "stream-offset": String(offset) };
  return new Response(body, { status: body ? 200 : 204, headers });
}

function say(body: ReadableStreamDefaultController<Uint8Array>, offset: number, text: string): void {
  body.enqueue(new TextEncoder().encode(`: resumable-stream offset=${offset}\n\n${text}`));
}

test("an end that another connection tells comes after the new text", async () => {
  const { readNext, calls, reconnect } = await openReader(() => answerAt(18, null));
  expect(calls).toEqual([]);
  reconnect();
  await until(() => calls.length === 1, { what: "the end" });
  expect([await readNext(), await readNext()]).toEqual(["data: b", undefined]);
});

test("the text of another connection comes after the new text of this one", async () => {
  let isRead = false;
  const body = (): ReadableStream<Uint8Array> =>
    new ReadableStream(
      {
        pull(controller) {
          isRead = true;
          say(controller, 18, "data: c\nid: 27\n\n: resumable-stream end=done\n");
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  const { readNext, turns, reconnect, isAnswered } = await openReader(() => answerAt(18, body()));
  const second = readNext();
  await until(() => turns.length === 1, { what: "the reader's wish for more" });
  reconnect();
  await until(isAnswered, { what: "the new connection" });
  // It takes the old one's place by the end of the turn.
  await new Promise(setImmediate);
  expect(isRead).toBe(false);
  turns[0]?.();
  expect([await second, await readNext(), isRead]).toEqual(["data: b", "data: c", true]);
});
