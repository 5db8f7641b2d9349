// A page of the app: what it shows, and what its user does.

import type { Page } from "playwright-core";
import { call, shown, type Shown } from "../../ai-sdk/chat.ts";
import { until } from "../../support/wait.ts";

/** Longer than a lease over Postgres, of which a page is told by its lapse. */
const PATIENCE_MS = 40_000;

export async function untilPage(page: Page, what: string, is: (chat: Shown) => boolean): Promise<Shown> {
  const look = async (): Promise<Shown | undefined> => {
    const chat = await shown(page);
    return chat && is(chat) ? chat : undefined;
  };
  return until(look, { what, withinMs: PATIENCE_MS }).catch(async (cause: unknown) => {
    throw new Error(`No ${what}: ${JSON.stringify(await shown(page))}`, { cause });
  });
}

export const wordsIn = (text = ""): number => text.split(" ").length - 1;

export async function untilWords(page: Page, words: number): Promise<Shown> {
  return untilPage(
    page,
    `${words} words`,
    ({ texts }) => texts.length % 2 === 0 && wordsIn(texts.at(-1)) >= words,
  );
}

export const isAtRest = ({ status }: Shown): boolean => status === "ready" || status === "error";

/** Sends a question, and doesn't wait for its answer. */
export function ask(page: Page, text: string): void {
  // It is answered by what the page shows, and the page may be closed before.
  call(page, "sendMessage", { text }).catch(() => undefined);
}

/**
 * Asks again for as long as the chat counts as being answered: of a process that died before its page had a byte, the lapse of its
 * lease tells.
 */
export async function untilTaken(page: Page, question: string): Promise<void> {
  await untilPage(page, "answer that begins", ({ status, texts, errors }) => {
    if (status === "error" && errors.at(-1)?.includes("being answered"))
      call(page, "regenerate").catch(() => undefined);
    return texts.at(-2) === question;
  });
}

/** As a phone does it whose user looks away: no timers, no network. */
export async function setAsleep(page: Page, isAsleep: boolean): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state: isAsleep ? "frozen" : "active" });
}
