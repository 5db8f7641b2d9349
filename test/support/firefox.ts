// A headless Firefox: Debian's package, found or installed as the servers are. Driven by Marionette, which it speaks by itself.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { ensureBinary, firefoxBinary } from "./server-binary.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./wait.ts";
import { type DrivenPage, type Driver, pageOf, scriptOf, startProgram } from "./web-driver.ts";

/** 0: a free port, which is then in the profile's `MarionetteActivePort`. No update, and no question whether there is a network. */
const preferences = {
  "marionette.port": 0,
  "app.update.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
};

export async function openFirefox(): Promise<DrivenPage> {
  const profile = temporaryFolder("firefox");
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref("${name}", ${String(value)});\n`,
  );
  writeFileSync(join(profile, "user.js"), lines.join(""));
  const args = ["--headless", "--marionette", "--no-remote", "--profile", profile];
  const { stop } = startProgram(ensureBinary(firefoxBinary), args, { HOME: profile });
  const file = join(profile, "MarionetteActivePort");
  const port = await until(() => existsSync(file) && (Number(readFileSync(file, "utf8")) || undefined), {
    what: "Firefox to start",
    withinMs: 30_000,
  });
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const send = commandsOver(socket);
  await send("WebDriver:NewSession", {});
  const driver: Driver = {
    goto: async (url) => void (await send("WebDriver:Navigate", { url })),
    reload: async () => void (await send("WebDriver:Refresh", {})),
    run: async (expression) => (await send("WebDriver:ExecuteScript", scriptOf(expression))).value,
    current: async () => String((await send("WebDriver:GetWindowHandle", {})).value),
    open: async () => String((await send("WebDriver:NewWindow", { type: "tab" })).handle),
    switchTo: async (handle) => void (await send("WebDriver:SwitchToWindow", { handle })),
    close: async () => void (await send("WebDriver:CloseWindow", {})),
  };
  return pageOf(driver, async () => {
    socket.destroy();
    await stop();
  });
}

interface Answer {
  value?: unknown;
  /** Of a new window. */
  handle?: string;
}
type Waiting = (error: { message: string } | null, answer: Answer) => void;

/** A message is JSON behind its length in bytes and a colon: `[0, id, name, parameters]`, or `[1, id, error, result]`. */
function commandsOver(socket: Socket): (name: string, parameters: object) => Promise<Answer> {
  const waiting = new Map<number, Waiting>();
  let received = Buffer.alloc(0);
  let lastId = 0;
  socket.on("data", (data) => {
    received = Buffer.concat([received, data]);
    for (let colon = received.indexOf(":"); colon > 0; colon = received.indexOf(":")) {
      const end = colon + 1 + Number(received.subarray(0, colon).toString());
      if (received.length < end) return;
      const message: unknown = JSON.parse(received.subarray(colon + 1, end).toString());
      received = received.subarray(end);
      // The first one is a greeting.
      if (!Array.isArray(message)) continue;
      const [, id, error, answer] = message as [1, number, { message: string } | null, Answer];
      waiting.get(id)?.(error, answer);
      waiting.delete(id);
    }
  });
  return (name, parameters) =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, (error, answer) => (error ? reject(new Error(error.message)) : resolve(answer)));
      const message = JSON.stringify([0, id, name, parameters]);
      socket.write(`${Buffer.byteLength(message)}:${message}`);
    });
}
