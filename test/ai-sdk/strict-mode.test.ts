// React's StrictMode, which mounts each page twice in development, and so runs each effect of useChat twice.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createResumableStreamContext } from "../../src/memory.ts";
import { openChromium } from "../support/chromium.ts";
import { until } from "../support/wait.ts";
import { call, callsIn, isWhole, openChat, pageScript, say, untilShown } from "./chat.ts";
import { installSdks, SDK_VERSIONS, type SdkMajor } from "./sdks.ts";

let browser: Browser;
beforeAll(async () => {
  installSdks();
  browser = await openChromium();
}, 300_000);
afterAll(() => browser.close());

const majors = Object.keys(SDK_VERSIONS).map(Number) as SdkMajor[];
const query = "&strict";

test.each(majors)("AI SDK %i: one text, one question, and no request that stays open", async (major) => {
  const script = await pageScript(major, "development");
  const contexts = [createResumableStreamContext({ waitUntil: null, onError: () => undefined })];
  await using chat = await openChat({ browser, major, script, contexts });
  const requests: Request[] = [];
  chat.store.answers.push((request) => void requests.push(request));
  const open = (): number => requests.filter(({ signal }) => !signal.aborted).length;
  const half = async (page: Page) =>
    untilShown(page, "half an answer", ({ texts }) => (texts[1] ?? "").length > 200);

  const first = await chat.open({ query });
  await say(first, "first");
  await half(first);
  const second = await chat.open({ query });
  expect(await second.evaluate("mounts")).toBe(2);
  const { texts } = await half(second);
  expect(texts.map(callsIn)).toEqual([[], [1]]);
  expect(texts.every(isWhole)).toBe(true);
  expect(open()).toBe(2);

  expect(await call(second, "stop")).toBe(true);
  await until(() => open() === 0, { what: "no open request" });
  await say(second, "short");
  const next = await untilShown(
    second,
    "the next answer",
    ({ status, texts: now }) => status === "ready" && now.length === 4,
  );
  expect(next.texts.map(callsIn)).toEqual([[], [1], [], [2]]);
  expect(next.texts.every(isWhole)).toBe(true);
  expect(next.errors).toEqual([]);
  expect(chat.store.calls).toHaveLength(2);
  await until(() => open() === 0, { what: "no open request" });
});
