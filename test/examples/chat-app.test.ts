// A chat app of the documents' lines alone, over the packed package, in Chromium: what it survives, and what its store has
// afterwards. `CHAT_APP_SEED` repeats a run's kills.

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { seededRandom } from "../../src/lib/random.ts";
import { call, callsIn, isWhole, shown, type Shown } from "../ai-sdk/chat.ts";
import { openChromium } from "../support/chromium.ts";
import { createDatabase, type PrivateDatabase } from "../support/postgres-database.ts";
import { until, within } from "../support/wait.ts";
import { type AppFolder, ChatApp, installApp } from "./chat-app/app.ts";

const KILLS = 10;
const seed = Number(process.env["CHAT_APP_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

let browser: Browser;
let folder: AppFolder;

beforeAll(async () => {
  [browser, folder] = await Promise.all([openChromium(), installApp()]);
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await folder?.[Symbol.asyncDispose]();
});

async function untilPage(page: Page, what: string, is: (chat: Shown) => boolean): Promise<Shown> {
  const ask = async (): Promise<Shown | undefined> => {
    const chat = await shown(page);
    return chat && is(chat) ? chat : undefined;
  };
  return until(ask, { what, withinMs: 40_000 }).catch(async (cause: unknown) => {
    throw new Error(`No ${what}: ${JSON.stringify(await shown(page))}`, { cause });
  });
}

/** Asks, and doesn't wait for the answer. */
function ask(page: Page, text: string): void {
  // The page may be closed before.
  call(page, "sendMessage", { text }).catch(() => undefined);
}

const wordsIn = (text = ""): number => text.split(" ").length - 1;
const isAtRest = ({ status }: Shown): boolean => status === "ready" || status === "error";

describe.each(["postgres", "redis"] as const)("a chat of the documents' lines, over %s", (store) => {
  let app: ChatApp;
  let database: PrivateDatabase;
  let chats = 0;

  beforeAll(async () => {
    database = await createDatabase(inject("postgresUrl"));
    const env = { postgres: { POSTGRES_URL: database.url }, redis: { REDIS_URL: inject("redisUrl") } }[store];
    app = await ChatApp.start({ browser, folder: folder.path, store, env });
  }, 60_000);

  afterEach(() => app.closePages());

  afterAll(async () => {
    await app?.stop();
    await database?.[Symbol.asyncDispose]();
  });

  const newChat = (): string => `${store}-${process.pid}-${Date.now().toString(36)}-${++chats}`;

  /** Waits for a whole answer of so many words, which is the page's last message and the chat's last in the store. */
  const expectWhole = async (page: Page, chatId: string, words: number): Promise<Shown> => {
    const chat = await untilPage(
      page,
      "whole answer",
      ({ status, texts }) => status === "ready" && texts.length % 2 === 0 && wordsIn(texts.at(-1)) === words,
    );
    expect(isWhole(chat.texts.at(-1) ?? "")).toBe(true);
    expect(app.journal.answers(chatId).at(-1)).toBe(chat.texts.at(-1));
    expect(app.journal.problemsOf(chatId)).toEqual([]);
    return chat;
  };

  /** How many words Postgres has of the chat's answer. */
  const wordsKept = async (chatId: string): Promise<number> => {
    const rows = await database.query(
      "select string_agg(chunk, '' order by seq) as text from rs_stream_chunks where stream_id like $1",
      [`%chat:${chatId}`],
    );
    return [...String(rows[0]?.["text"] ?? "").matchAll(/"delta":"\d+:\d+ "/g)].length;
  };

  test(`kill -9 at ${KILLS} random moments (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const words = 30;
    const killed = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const chatId = newChat();
      const question = `${chatId}: ${words} words`;
      const page = await app.open(chatId);
      ask(page, question);
      // From the question up to the moment in which the answer is being saved.
      const moment = Math.floor(random() * (words + 2));
      const { pid, call: number } = await app.journal.untilSaid(question, moment);
      await app.kill(pid);
      const kept = store === "postgres" ? await wordsKept(chatId) : 0;
      killed.push({ chatId, page, moment, number, kept });
      await app.startServer();
    }

    const outcomes = await Promise.all(
      killed.map(async ({ chatId, page, moment, number, kept }) => {
        await untilPage(page, "end", isAtRest);
        if (kept > 0) {
          const isThere = (): boolean => wordsIn(app.journal.answers(chatId)[0]) >= kept;
          await until(isThere, { what: `${kept} words of ${chatId} in the store`, withinMs: 30_000 });
        }
        const saved = app.journal.answers(chatId);
        expect(saved.length).toBeLessThanOrEqual(1);
        expect(callsIn(saved[0] ?? `${number}:`)).toEqual([number]);
        ask(page, `${chatId}: next, ${words} words`);
        await expectWhole(page, chatId, words);
        expect(app.journal.answers(chatId)).toHaveLength(saved.length + 1);
        return `${moment}/${kept}/${wordsIn(saved[0])}`;
      }),
    );
    console.log(`${store}, seed ${seed}: words said/kept/saved at each kill: ${outcomes.join(" ")}`);
  });

  test("a rolling deploy: answers that end within the drain are whole, without an error", async () => {
    const words = 150;
    const running = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const chatId = newChat();
        const page = await app.open(chatId);
        ask(page, `${chatId}: ${words} words`);
        return { chatId, page, asked: await app.journal.untilSaid(`${chatId}: ${words} words`, 5) };
      }),
    );
    const gone = [];
    for (const { pid } of [...app.servers]) {
      await app.startServer();
      gone.push(app.terminate(pid));
    }
    expect(new Set(running.map(({ asked }) => asked.pid))).toEqual(new Set(gone.map(({ pid }) => pid)));
    // A new process gives the answer of one that goes.
    const late = await app.open(running[0]?.chatId ?? "");
    expect(
      app.journal.calls.some(({ question, end }) => question.startsWith(running[0]?.chatId ?? "") && end),
    ).toBe(false);
    for (const { chatId, page } of [...running, { chatId: running[0]?.chatId ?? "", page: late }]) {
      const { errors } = await expectWhole(page, chatId, words);
      expect(errors).toEqual([]);
    }
    const exits = await within(
      30_000,
      "the old processes' exit",
      Promise.all(gone.map(({ exited }) => exited)),
    );
    expect(exits).toEqual([0, 0]);
  });
});
