// What a test asks of a browser by WebDriver, whichever way its commands go.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export interface DrivenPage extends AsyncDisposable {
  goto: (url: string) => Promise<void>;
  reload: () => Promise<void>;
  /** The value of an expression in the page, once it is settled. Throws what it throws. */
  run: <Value>(expression: string) => Promise<Value>;
  /** An empty page beside it, in the same browser. */
  openTab: () => Promise<DrivenPage>;
}

/** What a driver does with the window that its commands go to. */
export interface Driver {
  goto: (url: string) => Promise<void>;
  reload: () => Promise<void>;
  run: (expression: string) => Promise<unknown>;
  /** The name of that window. */
  current: () => Promise<string>;
  open: () => Promise<string>;
  switchTo: (name: string) => Promise<void>;
  close: () => Promise<void>;
}

/** A page in each tab. Their commands go one after the other, as a driver has one window at a time. */
export async function pageOf(driver: Driver, stop: () => Promise<void>): Promise<DrivenPage> {
  let current = await driver.current();
  let last: Promise<unknown> = Promise.resolve();
  const inTab = <Value>(name: string, act: () => Promise<Value>): Promise<Value> => {
    const acted = last.then(async () => {
      if (current !== name) await driver.switchTo(name);
      current = name;
      return act();
    });
    last = acted.catch(() => undefined);
    return acted;
  };
  const pageIn = (name: string, end: () => Promise<void>): DrivenPage => ({
    goto: (url) => inTab(name, () => driver.goto(url)),
    reload: () => inTab(name, () => driver.reload()),
    run: (expression) => inTab(name, () => driver.run(expression)) as never,
    openTab: async () => {
      const tab = await inTab(name, () => driver.open());
      return pageIn(tab, () => inTab(tab, () => driver.close()));
    },
    [Symbol.asyncDispose]: end,
  });
  return pageIn(current, stop);
}

/** In the page's own world: Firefox has a driver's code see other classes than the page's. */
export function scriptOf(expression: string): { script: string; args: never[] } {
  return { script: `return window.eval(${JSON.stringify(expression)})`, args: [] };
}

/** A program that goes with the tests, however they end. */
export function startProgram(
  path: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  stdio: ("ignore" | "pipe")[] = ["ignore", "ignore", "ignore"],
): { child: ChildProcess; stop: () => Promise<void> } {
  const child = spawn(path, args, { stdio, env: { ...process.env, ...env } });
  const exited = once(child, "exit");
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async (): Promise<void> => {
    process.removeListener("exit", kill);
    kill();
    await exited;
  };
  return { child, stop };
}
