// useChat of AI SDK 5, 6 and 7 in Chromium, against our handlers: no mixture of two answers, and a stop that stays one.

import { createClient } from "redis";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createResumableStreamContext as overMemory, type ResumableStreamContext } from "../../src/memory.ts";
import { createResumableStreamContext as overRedis } from "../../src/redis.ts";
import { createDeferred } from "../../src/lib/deferred.ts";
import { openChromium } from "../support/chromium.ts";
import { until, within } from "../support/wait.ts";
import { call, callsIn, type Chat, isWhole, openChat, pageScript, say, shown, untilShown } from "./chat.ts";
import { installSdks, SDK_VERSIONS, type SdkMajor } from "./sdks.ts";

let browser: Browser;
beforeAll(async () => {
  installSdks();
  browser = await openChromium();
}, 300_000);
afterAll(() => browser.close());

const options = { waitUntil: null, onError: () => undefined };
const stores: Record<string, () => Promise<ResumableStreamContext[]>> = {
  "Redis, two servers": async () => {
    const keyPrefix = `ai-sdk-${crypto.randomUUID()}`;
    return [1, 2].map(() => {
      const client = createClient({ url: inject("redisUrl") });
      return overRedis({ ...options, keyPrefix, publisher: client, subscriber: client.duplicate() });
    });
  },
};

const majors = Object.keys(SDK_VERSIONS).map(Number) as SdkMajor[];

describe.each(majors)("AI SDK %i", (major) => {
  let script: string;
  beforeAll(async () => {
    script = await pageScript(major);
  });

  describe.each(Object.keys(stores))("over %s", (store) => {
    const start = async (): Promise<Chat> =>
      openChat({ browser, major, script, contexts: (await stores[store]?.()) ?? [] });
    const other = 1;

    test("stop: the model's signal aborts, onAbort is called, and no tab calls the model again", async () => {
      await using chat = await start();
      const query = "&automatic";
      const page = await chat.open({ query });
      await say(page, "first");
      await untilShown(page, "an answer", ({ texts }) => (texts[1] ?? "").length > 40);
      const second = await chat.open({ query, server: other });
      await untilShown(second, "the answer in a second tab", ({ texts }) => (texts[1] ?? "").length > 40);
      if (major === 7) for (const tab of [page, second]) await say(tab, "queued");

      expect(await call(page, "stop")).toBe(true);
      const reason = await within(
        5_000,
        "the model's signal",
        chat.store.calls[0]?.aborted ?? Promise.reject(),
      );
      expect(reason).toMatchObject({ name: "AbortError" });
      await until(() => chat.store.aborts === 1, { what: "onAbort" });
      for (const tab of [page, second]) {
        await untilShown(
          tab,
          "a tab at rest",
          ({ status, finishes }) => status === "ready" && finishes.length > 0,
        );
      }
      // What would be sent of itself is sent in the turns after an answer's end: a question of the test's own comes after it.
      const third = await chat.open();
      await say(third, "short");
      await untilShown(
        third,
        "the next answer",
        ({ status, texts }) => status === "ready" && texts.length >= 4,
      );
      expect(chat.store.calls).toHaveLength(2);
    });

    test("a reader that was offline while another device stopped and asked again gets no mixture", async () => {
      await using chat = await start();
      const phone = await chat.open();
      await say(phone, "first");
      await untilShown(phone, "an answer", ({ texts }) => (texts[1] ?? "").length > 40);
      const laptop = await chat.open({ server: other });
      await untilShown(laptop, "the answer", ({ texts }) => (texts[1] ?? "").length > 40);

      await chat.cut(phone);
      await call(laptop, "stop");
      await untilShown(laptop, "a stop", ({ status }) => status === "ready");
      await say(laptop, "second");
      await untilShown(laptop, "a second answer", ({ texts }) => (texts[3] ?? "").length > 100);
      await chat.mend(phone);

      const { texts, errors } = await untilShown(
        phone,
        "the second answer on the phone",
        ({ texts: now }) => now.length === 4 && (now[3] ?? "").length > 40,
      );
      expect(errors).toEqual([]);
      expect(texts.map(callsIn)).toEqual([[], [1], [], [2]]);
      expect(texts.every(isWhole)).toBe(true);
    });

    test("a late press of Stop never stops the next answer", async () => {
      await using chat = await start();
      const page = await chat.open();
      await say(page, "short");
      const { texts } = await untilShown(
        page,
        "an answer",
        ({ status, texts: now }) => status === "ready" && now.length === 2,
      );
      expect(isWhole(texts[1] ?? "")).toBe(true);
      const { headers } = await page.evaluate(async () => {
        const response = await fetch("/api/chat?id=chat");
        return { headers: [...response.headers] };
      });
      const late = `/api/chat?id=chat&generation=${new Headers(headers).get("stream-generation")}`;
      const laptop = await chat.open({ server: other });
      await say(laptop, "second");
      await untilShown(laptop, "a second answer", ({ texts: now }) => (now[3] ?? "").length > 40);
      const status = await page.evaluate(
        async (url) => (await fetch(url, { method: "DELETE" })).status,
        late,
      );
      expect(status).toBe(204);
      const before = (await shown(laptop))?.texts[3]?.length ?? 0;
      await untilShown(laptop, "more of it", ({ texts: now }) => (now[3] ?? "").length > before + 40);
      expect(chat.store.aborts).toBe(0);
    });
  });

  describe("a page's load", () => {
    const start = async (): Promise<Chat> =>
      openChat({ browser, major, script, contexts: [overMemory(options)] });

    const text = (said: string) => [{ type: "text", text: said }];
    const asked = { id: "u", role: "user" as const, parts: text("short") };

    test("204: the page loads what was stored since it loaded its messages", async () => {
      await using chat = await start();
      const page = await chat.open();
      await say(page, "short");
      await untilShown(page, "an answer", ({ status, texts }) => status === "ready" && texts.length === 2);
      const [question] = chat.store.messages.get("chat") ?? [];
      chat.store.answers.push(() => Response.json([question]));
      const second = await chat.open();
      const { texts } = await untilShown(second, "the answer", ({ texts: now }) => now.length === 2);
      expect(isWhole(texts[1] ?? "")).toBe(true);
    });

    test("204 without a stream: an answer that broke off since, and was stored, is loaded", async () => {
      await using chat = await start();
      const part = { id: "a", role: "assistant" as const, parts: text("1:1 ") };
      chat.store.messages.set("chat", [asked, part]);
      chat.store.answers.push(() => Response.json([asked]));
      const page = await chat.open();
      const { texts } = await untilShown(page, "the answer", ({ texts: now }) => now.length === 2);
      expect(texts).toEqual(["short", "1:1 "]);
    });

    test("reload: the answer goes on, whole and once, and is stored as it was shown", async () => {
      await using chat = await start();
      const page = await chat.open();
      await say(page, "short");
      await untilShown(page, "an answer", ({ texts }) => (texts[1] ?? "").length > 20);
      await page.reload();
      const { texts } = await untilShown(
        page,
        "its end",
        ({ status, texts: now }) => status === "ready" && now.length === 2 && (now[1] ?? "").includes(":30 "),
      );
      expect(isWhole(texts[1] ?? "")).toBe(true);
      expect(chat.store.calls).toHaveLength(1);
      const stored = chat.store.messages.get("chat") ?? [];
      expect(stored.map(({ parts }) => parts.map((part) => part.text ?? "").join(""))).toEqual(texts);
    });

    test("a page that is left, and a useChat that is stopped, stop no model", async () => {
      await using chat = await start();
      const page = await chat.open();
      await say(page, "first");
      await untilShown(page, "an answer", ({ texts }) => (texts[1] ?? "").length > 40);
      const second = await chat.open();
      await untilShown(second, "the answer", ({ texts }) => (texts[1] ?? "").length > 40);
      await call(page, "leave");
      await untilShown(page, "a page at rest", ({ status }) => status === "ready");
      await page.close();
      const before = (await shown(second))?.texts[1]?.length ?? 0;
      await untilShown(second, "more of it", ({ texts }) => (texts[1] ?? "").length > before + 40);
      expect(chat.store.aborts).toBe(0);
    });

    test("a stop that is pressed before the answer's first byte reaches its model", async () => {
      await using chat = await start();
      const page = await chat.open();
      const held = createDeferred<undefined>();
      chat.store.answers.push(({ method }) => (method === "POST" ? held.promise : undefined));
      await say(page, "first");
      await untilShown(page, "a question", ({ status }) => status === "submitted");
      const stopped = call(page, "stop");
      await untilShown(page, "a page at rest", ({ status }) => status === "ready");
      held.resolve(undefined);
      expect(await stopped).toBe(true);
      expect(await chat.store.calls[0]?.aborted).toMatchObject({ name: "AbortError" });
    });

    test("a question right after a stop finds the stopped answer stored, and is answered", async () => {
      await using chat = await start();
      const page = await chat.open();
      await say(page, "first");
      await untilShown(page, "an answer", ({ texts }) => (texts[1] ?? "").length > 40);
      void call(page, "stop");
      await untilShown(page, "a page at rest", ({ status }) => status === "ready");
      await say(page, "short");
      const { errors } = await untilShown(
        page,
        "the next answer",
        ({ status, texts }) => status === "ready" && (texts[3] ?? "").includes(":30 "),
      );
      expect(errors).toEqual([]);
      const stored = chat.store.messages.get("chat")?.map(({ role }) => role);
      expect(stored).toEqual(["user", "assistant", "user", "assistant"]);
      expect(JSON.stringify(chat.store.calls[1]?.prompt)).toContain("1:1 ");
    });

    test("503 isn't final, and costs no second answer", async () => {
      await using chat = await start();
      const page = await chat.open();
      await say(page, "first");
      await untilShown(page, "an answer", ({ texts }) => (texts[1] ?? "").length > 40);
      const away = (request: Request): Response | undefined =>
        request.method === "GET" && !request.url.includes("messages")
          ? new Response(null, { status: 503, headers: { "retry-after": "0" } })
          : undefined;
      chat.store.answers.push(away, away);
      const second = await chat.open();
      await untilShown(second, "the answer", ({ texts }) => (texts[1] ?? "").length > 40);
      expect(chat.store.answers).toEqual([]);
      expect(chat.store.calls).toHaveLength(1);
    });

    test("an id with /, ?, # and spaces is one id", async () => {
      await using chat = await start();
      const id = "a/b?c#d e%2f";
      const page = await chat.open({ id });
      await say(page, "first");
      await untilShown(page, "an answer", ({ texts }) => (texts[1] ?? "").length > 40);
      const second = await chat.open({ id });
      await untilShown(second, "the answer", ({ texts }) => (texts[1] ?? "").length > 40);
      expect(await call(second, "stop")).toBe(true);
      await untilShown(page, "a stop", ({ status }) => status === "ready");
    });

    // 5 and 6 append the replay to what they have of the answer: there the client must never give up by itself.
    const hasReplay = major === 7;
    test("a phone whose network failed for good resumes by itself when it wakes", async () => {
      await using chat = await start();
      const page = await chat.open({ query: `&attempts=${hasReplay ? 1 : Infinity}` });
      await say(page, "first");
      await untilShown(page, "an answer", ({ texts }) => (texts[1] ?? "").length > 40);
      await chat.cut(page);
      if (hasReplay) {
        await untilShown(page, "the end of its attempts", ({ errors }) => errors.includes("UNREACHABLE"));
      }
      await chat.mend(page);
      const before = (await shown(page))?.texts[1]?.length ?? 0;
      await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
      const { texts } = await untilShown(
        page,
        "more",
        ({ texts: now }) => (now.at(-1) ?? "").length > before + 40,
      );
      expect(texts).toHaveLength(2);
      expect(isWhole(texts[1] ?? "")).toBe(true);
      expect(chat.store.calls).toHaveLength(1);
    });
  });
});
