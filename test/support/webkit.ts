// WebKitGTK, whose engine is Safari's: Debian's package, found or installed as the servers are. It needs a screen, and is given one.

import { ensureBinary, webKitBinary, xvfbBinary } from "./server-binary.ts";
import { freePort } from "./free-port.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./wait.ts";
import { type DrivenPage, type Driver, pageOf, scriptOf, startProgram } from "./web-driver.ts";

export async function openWebKit(): Promise<DrivenPage> {
  const driverPath = ensureBinary(webKitBinary);
  const screen = await openScreen();
  const port = await freePort();
  const home = temporaryFolder("webkit");
  const env = { DISPLAY: screen.name, HOME: home, XDG_RUNTIME_DIR: home, GSETTINGS_BACKEND: "memory" };
  const driver = startProgram(driverPath, [`--port=${port}`, "--host=127.0.0.1"], env);
  const send = async <Value>(method: string, path: string, body?: object): Promise<Value> => {
    const init = { method, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    const { value } = (await response.json()) as { value: Value & { message?: string } };
    if (!response.ok) throw new Error(value.message);
    return value;
  };
  const isThere = async (): Promise<boolean> =>
    send("GET", "/status").then(
      () => true,
      () => false,
    );
  await until(isThere, { what: "WebKitWebDriver to start", withinMs: 30_000 });
  const { sessionId } = await send<{ sessionId: string }>("POST", "/session", { capabilities: {} });
  const session = `/session/${sessionId}`;
  const own: Driver = {
    goto: async (url) => {
      await send("POST", `${session}/url`, { url });
      // It may answer by the load of a page that was asked for before.
      const isShown = async (): Promise<boolean> => (await own.run("location.href")) === new URL(url).href;
      await until(isShown, { what: `${url} in WebKit`, withinMs: 30_000 });
    },
    reload: async () => send("POST", `${session}/refresh`, {}),
    run: async (expression) => send("POST", `${session}/execute/sync`, scriptOf(expression)),
    current: async () => send("GET", `${session}/window`),
    open: async () =>
      (await send<{ handle: string }>("POST", `${session}/window/new`, { type: "tab" })).handle,
    switchTo: async (handle) => send("POST", `${session}/window`, { handle }),
    close: async () => send("DELETE", `${session}/window`),
  };
  return pageOf(own, async () => {
    // The browser is the driver's to end.
    await send("DELETE", session);
    await driver.stop();
    await screen.stop();
  });
}

/** A screen of memory, under the first name that is free. */
async function openScreen(): Promise<{ name: string; stop: () => Promise<void> }> {
  const args = ["-displayfd", "3", "-screen", "0", "800x600x24", "-nolisten", "tcp"];
  const { child, stop } = startProgram(ensureBinary(xvfbBinary), args, {}, [
    "ignore",
    "ignore",
    "ignore",
    "pipe",
  ]);
  let number = "";
  child.stdio[3]?.on("data", (data: Buffer) => (number += data.toString()));
  await until(() => number.endsWith("\n"), { what: "Xvfb to start", withinMs: 30_000 });
  return { name: `:${number.trim()}`, stop };
}
