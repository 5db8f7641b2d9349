// What a chat has to survive, for every example that has one.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openChromium } from "../support/chromium.ts";
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
    { what: `an answer of more than ${than} characters`, withinMs: 20_000 },
  );
}

async function untilStatus(page: Page, status: string): Promise<void> {
  await page.locator("output", { hasText: status }).waitFor({ timeout: 40_000 });
}

export function describeChat(name: string): void {
  // Beside other tests an answer may take three times as long.
  describe(name, { timeout: 120_000 }, () => {
    let browser: Browser;
    let example: Example;

    beforeAll(async () => {
      [browser, example] = await Promise.all([openChromium(), startExample(name)]);
    }, 300_000);

    afterAll(async () => {
      await browser.close();
      await example.remove();
    });

    /** A new chat, whose answer is being written. */
    async function ask(): Promise<Page> {
      const page = await (await browser.newContext()).newPage();
      await page.goto(example.url);
      await page.fill("input", "What is a stream?");
      await page.click("button:has-text('Send')");
      await untilLonger(page, 60);
      return page;
    }

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

    test("a tab that was offline while another stopped and asked again shows both answers, each by itself", async () => {
      const page = await ask();
      const other = await (await browser.newContext()).newPage();
      await other.goto(page.url());
      await untilLonger(other, 60);
      await page.context().setOffline(true);
      await other.click("button:has-text('Stop')");
      await untilStatus(other, "ready");
      const stopped = await answerOf(other);
      await other.fill("input", "And a river?");
      await other.click("button:has-text('Send')");
      const answers = page.locator("[data-role=assistant]");
      await other.locator("[data-role=assistant]").nth(1).waitFor();
      await untilLonger(other, stopped.length + 100);
      await page.context().setOffline(false);
      await answers.nth(1).waitFor();
      await untilStatus(page, "ready");
      const [first = "", second = ""] = await answers.allInnerTexts();
      expect(first.trim()).toBe(stopped.trim());
      const lines = second.trim().split("\n");
      expect(lines).toEqual(lines.map((_, index) => `${index + 1}. One more line, word by word.`));
      expect(lines).toHaveLength(40);
      await Promise.all([page.context().close(), other.context().close()]);
    });

    test("another site's form, and a message that is none, start no answer", async () => {
      const send = (type: string, message: unknown): Promise<Response> => {
        const body = JSON.stringify({ id: crypto.randomUUID(), message });
        return fetch(`${example.url}api/chat`, { method: "POST", body, headers: { "content-type": type } });
      };
      const message = { id: "1", role: "user", parts: [{ type: "text", text: "Hello" }] };
      expect((await send("text/plain", message)).status).toBe(415);
      expect((await send("application/json", { role: "user" })).status).toBe(400);
      expect((await send("application/json", { ...message, role: "assistant" })).status).toBe(400);
    });

    test("kill: readers keep the text, a reload too, and the next try gets a whole answer", async () => {
      const page = await ask();
      await example.kill();
      const seen = await answerOf(page);
      await example.start();
      await untilStatus(page, "error");
      expect((await answerOf(page)).startsWith(seen.trim())).toBe(true);

      await page.reload();
      await untilStatus(page, "error");
      const kept = await answerOf(page);
      expect(kept.length).toBeGreaterThan(40);
      expect(kept.startsWith(seen.slice(0, 40))).toBe(true);

      await page.click("button:has-text('Try again')");
      await untilStatus(page, "ready");
      expect(await answerOf(page)).toContain("40. One more line");
      await page.context().close();
    });
  });
}
