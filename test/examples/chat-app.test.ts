// A chat app of the documents' lines alone, over the packed package, in Chromium: what it survives, and what its store has
// afterwards. `CHAT_APP_SEED` repeats a run's kills.

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { seededRandom } from "../../src/lib/random.ts";
import { call, callsIn, isWhole, type Shown } from "../ai-sdk/chat.ts";
import { openChromium } from "../support/chromium.ts";
import { createDatabase, type PrivateDatabase } from "../support/postgres-database.ts";
import { until, within } from "../support/wait.ts";
import { type AppFolder, ChatApp, installApp, untilLoaded } from "./chat-app/app.ts";
import { ask, isAtRest, setAsleep, untilPage, untilTaken, untilWords, wordsIn } from "./chat-app/pages.ts";

const KILLS = 10;
const WORDS = 30;
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

describe.each(["postgres", "redis"] as const)("a chat of the documents' lines, over %s", (store) => {
  let app: ChatApp;
  let database: PrivateDatabase;
  let questions = 0;

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

  interface Asked {
    chatId: string;
    question: string;
    page: Page;
    /** The process that answers. */
    pid: number;
  }

  /** A page of a chat of its own that shows some words of an answer, which goes on until it is told to end. */
  const askForLong = async (): Promise<Asked> => {
    const chatId = crypto.randomUUID();
    const page = await app.open(chatId);
    const question = `Question of ${chatId}`;
    ask(page, question);
    await untilWords(page, 5);
    return { chatId, question, page, pid: app.journal.callOf(question)?.pid ?? 0 };
  };

  /** Waits for the whole answer to the chat's last question, the same on the page and in the store. */
  const expectWhole = async (
    page: Page,
    { chatId, question }: Omit<Asked, "page" | "pid">,
  ): Promise<Shown> => {
    const isShown = ({ status, texts }: Shown): boolean => {
      const answer = app.journal.callOf(question);
      const isComplete = answer?.end === "whole" && wordsIn(texts.at(-1)) === answer.said;
      return status === "ready" && texts.at(-2) === question && isComplete;
    };
    const chat = await untilPage(page, "whole answer", isShown);
    expect(chat.texts.filter((text) => !isWhole(text) || callsIn(text).length > 1)).toEqual([]);
    expect(app.journal.answers(chatId).at(-1)).toBe(chat.texts.at(-1));
    expect(app.journal.problemsOf(chatId)).toEqual([]);
    return chat;
  };

  /** The page may go on: its next question gets a whole answer. */
  const expectNext = async (page: Page, chatId: string): Promise<void> => {
    questions += 1;
    const question = `Question ${questions} of ${chatId}: ${WORDS} words`;
    ask(page, question);
    await untilTaken(page, question);
    await expectWhole(page, { chatId, question });
  };

  /** How many words Postgres has of the chat's answer. */
  const wordsKept = async (chatId: string): Promise<number> => {
    const rows = await database.query("select chunk from rs_stream_chunks where stream_id like $1", [
      `%chat:${chatId}`,
    ]);
    return JSON.stringify(rows).match(/\d+:\d+ /g)?.length ?? 0;
  };

  test(`kill -9 at ${KILLS} random moments (seed ${seed}): the store has each answer once, as far as it came`, async () => {
    const random = seededRandom(seed);
    const killed = [];
    let restarted = Promise.resolve();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const chatId = crypto.randomUUID();
      const question = `Question of ${chatId}: ${WORDS} words`;
      const page = await app.open(chatId);
      ask(page, question);
      // From the call of the model on, up to the moment in which its answer is being saved.
      const moment = Math.floor(random() * (WORDS + 2));
      const { pid, call: number } = await app.journal.untilSaid(question, moment);
      await app.kill(pid);
      const kept = store === "postgres" ? await wordsKept(chatId) : 0;
      await restarted;
      restarted = app.startServer();
      // Of some chats two processes look for what is left.
      const tabs = kill % 2 === 0 ? [page] : [page, await app.open(chatId, page)];
      killed.push({ chatId, tabs, moment, number, kept });
    }
    await restarted;
    expect(killed.some(({ kept }) => kept > 0)).toBe(store === "postgres");

    const outcomes = await Promise.all(
      killed.map(async ({ chatId, tabs, moment, number, kept }) => {
        for (const tab of tabs) await untilPage(tab, "end", isAtRest);
        const isSaved = (): boolean => wordsIn(app.journal.answers(chatId)[0]) >= kept;
        await until(isSaved, { what: `the ${kept} words of call ${number} in the store` });
        const saved = app.journal.answers(chatId);
        expect(saved.map(callsIn)).toEqual(saved.length === 0 ? [] : [[number]]);
        for (const tab of tabs) await expectNext(tab, chatId);
        expect(app.journal.answers(chatId)).toEqual([
          ...saved,
          ...tabs.map(() => expect.any(String) as string),
        ]);
        return `${moment}/${kept}/${wordsIn(saved[0])}`;
      }),
    );
    console.log(`${store}, seed ${seed}: words said/kept/saved at each kill: ${outcomes.join(" ")}`);
  });

  test("a rolling deploy: answers that end within the drain are whole, without an error", async () => {
    const running = await Promise.all([1, 2, 3, 4].map(askForLong));
    const gone = [];
    for (const { pid } of app.servers.slice()) {
      await app.startServer();
      gone.push(app.terminate(pid));
    }
    expect(new Set(running.map(({ pid }) => pid))).toEqual(new Set(gone.map(({ pid }) => pid)));
    // A new process gives the answer of one that goes.
    const late = await Promise.all(
      running.map(async (asked) => ({ ...asked, page: await app.open(asked.chatId) })),
    );
    await Promise.all(late.map(({ page }) => untilWords(page, 5)));
    for (const { question } of running) app.journal.tellToEnd(question);
    for (const asked of [...running, ...late]) {
      expect(await expectWhole(asked.page, asked)).toMatchObject({ errors: [] });
    }
    await Promise.all(running.map(({ page, chatId }) => expectNext(page, chatId)));
    const exits = Promise.all(gone.map(({ exited }) => exited));
    expect(await within(30_000, "the old processes' exit", exits)).toEqual([0, 0]);
  });

  test("reload: the answer goes on, whole and once", async () => {
    const asked = await askForLong();
    const { page, question } = asked;
    await untilLoaded(page, () => page.reload());
    await untilWords(page, 5);
    app.journal.tellToEnd(question);
    expect(await expectWhole(page, asked)).toMatchObject({ errors: [] });
    expect(app.journal.calls.filter((each) => each.question === question)).toHaveLength(1);
    await expectNext(page, asked.chatId);
  });

  test("a second tab shows the same text, live", async () => {
    const asked = await askForLong();
    const second = await app.open(asked.chatId, asked.page);
    const { texts } = await untilWords(second, 5);
    await untilWords(second, wordsIn(texts[1]) + 20);
    app.journal.tellToEnd(asked.question);
    for (const tab of [asked.page, second]) {
      expect(await expectWhole(tab, asked)).toMatchObject({ errors: [] });
    }
  });

  test.each(["while it runs", "after its end"])(
    "a phone that slept, and woke %s, has it whole",
    async (when) => {
      const asked = await askForLong();
      const { page, question, chatId } = asked;
      const network = app.networkOf(page);
      await setAsleep(page, true);
      await network.refuse();
      const said = app.journal.callOf(question)?.said ?? 0;
      await app.journal.untilSaid(question, said + 50);
      if (when === "after its end") {
        app.journal.tellToEnd(question);
        await until(() => app.journal.answers(chatId).length === 1, { what: "the answer in the store" });
      }
      await network.accept();
      await setAsleep(page, false);
      if (when === "while it runs") await untilWords(page, said + 60);
      app.journal.tellToEnd(question);
      expect(await expectWhole(page, asked)).toMatchObject({ errors: [] });
      await expectNext(page, chatId);
    },
  );

  test("stop from the other tab: the model is aborted, and what pages show is what is stored", async () => {
    const { page, chatId, question } = await askForLong();
    const second = await app.open(chatId, page);
    await untilWords(second, 5);
    expect(await call(second, "stop")).toBe(true);
    expect(app.journal.callOf(question)?.end).toBe("aborted");
    const [answer] = app.journal.answers(chatId);
    expect(isWhole(answer ?? "")).toBe(true);
    const { texts, errors } = await untilPage(page, "stop", isAtRest);
    expect([texts, errors]).toEqual([[question, answer], []]);
    await untilLoaded(second, () => second.reload());
    await untilPage(second, "stored answer", (chat) => chat.texts[1] === answer && isAtRest(chat));
    await expectNext(second, chatId);
    expect(app.journal.answers(chatId)).toEqual([answer, expect.any(String)]);
  });
});
