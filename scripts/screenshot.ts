// npm run screenshot: the README's picture of the demo, over a Redis of its own. A phone's in the dark goes to the
// temporary folder, to be looked at.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { openChromium } from "../test/support/chromium.ts";
import { RedisServer } from "../test/support/redis-server.ts";
import { until } from "../test/support/wait.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const phone = join(tmpdir(), "resumable-stream-phone-dark.png");

const redis = await RedisServer.start();
const demo = spawn(process.execPath, ["--import", "tsx", "demo/demo.ts"], {
  cwd: root,
  env: { ...process.env, REDIS_URL: redis.url, POSTGRES_URL: "", PORT: "0" },
  stdio: ["ignore", "pipe", "inherit"],
});
let said = "";
demo.stdout.on("data", (data: Buffer) => (said += data.toString()));
const url = await until(() => /http:\S+/.exec(said)?.[0], { what: "the demo to start", withinMs: 30_000 });
const browser = await openChromium();

/** Two readers, the first of which was dropped and is back. */
async function play(page: Page): Promise<void> {
  await page.goto(`${url}?store=redis`);
  await untilLonger(page, 2, 150);
  await page.click("#drop");
  await until(async () => /connected at [1-9]/.test(await page.locator("#timeline-1").innerText()), {
    what: "a resume",
  });
  await untilLonger(page, 1, 330);
}

async function untilLonger(page: Page, reader: 1 | 2, than: number): Promise<void> {
  await until(async () => (await page.locator(`#text-${reader}`).innerText()).length > than, {
    what: `reader ${reader} to have more than ${than} characters`,
    withinMs: 60_000,
  });
}

const wide = await browser.newPage({ viewport: { width: 1000, height: 740 }, colorScheme: "light" });
await play(wide);
await wide.screenshot({ path: join(root, "docs/images/demo.png") });
const narrow = await browser.newPage({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
await play(narrow);
await narrow.screenshot({ path: phone, fullPage: true });
console.log(`docs/images/demo.png\n${phone}`);

await browser.close();
demo.kill("SIGTERM");
await once(demo, "exit");
await redis.stop();
