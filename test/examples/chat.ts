// What a chat has to survive, for every example that has one.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openChromium } from "../support/chromium.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";
import { type Example, startExample } from "./example.ts";

const answerOf = async (page: Page): Promise<string> => {
  const answers = page.locator("[data-role=assistant]");
  return (await answers.count()) === 0 ? "" : answers.last().innerText();
};

async function untilLonger(page: Page, than: number): Promise<string> {
  return until(
    async () => {
      const answer = await answerOf(page);
      return answer.length > than ? answer : undefined;
    },
    { what: `an answer of more than ${than} characters`, withinMs: 40_000 },
  );
}

async function untilStatus(page: Page, status: string): Promise<void> {
  await page.locator("output", { hasText: status }).waitFor({ timeout: 40_000 });
}

interface ChatOptions {
  /** Where answers are kept while they are written, and after a crash. */
  store: "PGlite" | "Redis";
}

export function describeChat(name: string, { store }: ChatOptions): void {
  // Beside other tests an answer may take three times as long.
  describe(`${name} over ${store}`, { timeout: 120_000 }, () => {
    let browser: Browser;
    let example: Example;

    beforeAll(async () => {
      [browser, example] = await Promise.all([
        openChromium(),
        startExample(name, store === "Redis" ? inject("redisUrl") : ""),
      ]);
    }, 300_000);

    afterAll(async () => {
      await browser.close();
      await example.remove();
    });

    /** A new chat, whose answer is being written. */
    async function ask(at = example.url): Promise<Page> {
      const page = await (await browser.newContext()).newPage();
      await page.goto(at);
      await page.fill("input", "What is a stream?");
      await page.click("button:has-text('Send')");
      await untilLonger(page, 60);
      return page;
    }

    const messageOf = (text: string): object => ({
      id: crypto.randomUUID(),
      role: "user",
      parts: [{ type: "text", text }],
    });
    const urlOf = (id: string): string => `${example.url}api/chat?id=${id}`;
    const send = (id: string, message: object, type = "application/json"): Promise<Response> =>
      fetch(urlOf(id), {
        method: "POST",
        body: JSON.stringify({ message }),
        headers: { "content-type": type },
      });

    test("reload: the answer goes on, whole and once", async () => {
      const page = await ask();
      const seen = await answerOf(page);
      await page.reload();
      expect((await untilLonger(page, seen.length + 20)).startsWith(seen)).toBe(true);
      await untilStatus(page, "ready");
      const lines = (await answerOf(page)).trim().split("\n");
      expect(lines).toEqual(lines.map((_, index) => `${index + 1}. One more line, word by word.`));
      expect(lines).toHaveLength(40);
      await page.context().close();
    });

    test("a second tab and a network that drops: both tabs end up with the same text", async () => {
      const page = await ask();
      const second = await page.context().newPage();
      await second.goto(page.url());
      await untilLonger(second, 60);
      await page.context().setOffline(true);
      const seen = await answerOf(page);
      await page.context().setOffline(false);
      await untilLonger(page, seen.length + 20);
      await untilStatus(page, "ready");
      await untilStatus(second, "ready");
      expect(await answerOf(page)).toBe(await answerOf(second));
      await page.context().close();
    });

    test("stop: it stops in every tab, and stays stopped after a reload", async () => {
      const page = await ask();
      const second = await page.context().newPage();
      await second.goto(page.url());
      await untilLonger(second, 60);
      await page.click("button:has-text('Stop')");
      for (const tab of [page, second]) await untilStatus(tab, "ready");
      const answer = await answerOf(page);
      expect(answer).not.toContain("40. ");
      // This tab lets go at the press; the other one has what the model said until it heard of it.
      const whole = await answerOf(second);
      expect(whole.startsWith(answer.trim())).toBe(true);
      await page.reload();
      await untilStatus(page, "ready");
      expect((await answerOf(page)).trim()).toBe(whole.trim());
      await page.context().close();
    });

    test("a tab that was offline while another device stopped and asked again shows both answers, each by itself", async () => {
      // Not setOffline, which leaves a connection that is open alone.
      await using network = await TcpProxy.start(Number(new URL(example.url).port));
      const page = await ask(`http://localhost:${network.port}/`);
      const { hash, searchParams } = new URL(page.url());
      const id = searchParams.get("id") ?? hash.slice(1);
      await network.refuse();

      // The other device, without a page: it stops as the server's clients may, and asks again at once.
      expect((await fetch(urlOf(id), { method: "DELETE" })).status).toBe(200);
      const next = await send(id, messageOf("And a river?"));
      expect(next.status).toBe(200);
      const reader = next.body?.getReader();
      for (let bytes = 0; bytes < 4_000;) bytes += (await reader?.read())?.value?.byteLength ?? Infinity;
      await network.accept();

      const answers = page.locator("[data-role=assistant]");
      await answers.nth(1).waitFor({ timeout: 40_000 });
      await untilStatus(page, "ready");
      await reader?.cancel();
      const [stopped = "", whole = ""] = await answers.allInnerTexts();
      expect(stopped.startsWith("1. One more line")).toBe(true);
      expect(stopped).not.toContain("40. ");
      const lines = whole.trim().split("\n");
      expect(lines).toEqual(lines.map((_, index) => `${index + 1}. One more line, word by word.`));
      expect(lines).toHaveLength(40);
      await page.context().close();
    });

    test("another site's form, and a message that is none, start no answer", async () => {
      const id = crypto.randomUUID();
      const message = messageOf("Hello");
      expect((await send(id, message, "text/plain")).status).toBe(415);
      expect((await send(id, { role: "user" })).status).toBe(400);
      expect((await send(id, { ...message, role: "assistant" })).status).toBe(400);
      expect((await send(id, { ...message, parts: [{ type: "text" }] })).status).toBe(400);
      expect(await (await fetch(`${urlOf(id)}&messages`)).json()).toEqual([]);
    });

    test("kill: readers keep the text, a reload too, and the next try gets a whole answer", async () => {
      const page = await ask();
      // What came in the last moments before isn't kept.
      await untilLonger(page, 150);
      await example.kill();
      const seen = await answerOf(page);
      await example.start();
      await untilStatus(page, "error");
      expect((await answerOf(page)).startsWith(seen.trim())).toBe(true);

      await page.reload();
      const tryAgain = page.locator("button:has-text('Try again')");
      await tryAgain.waitFor({ timeout: 40_000 });
      const kept = await answerOf(page);
      expect(kept.length).toBeGreaterThan(40);
      expect(seen.startsWith(kept.slice(0, 40))).toBe(true);

      await tryAgain.click();
      await until(async () => (await answerOf(page)).includes("40. One more line"), {
        what: "a whole answer",
        withinMs: 40_000,
      });
      await untilStatus(page, "ready");
      await page.context().close();
    });
  });
}
