// What a test asks of a browser by WebDriver, whichever way its commands go.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export interface DrivenPage extends AsyncDisposable {
  goto: (url: string) => Promise<void>;
  reload: () => Promise<void>;
  /** The value of an expression in the page, once it is settled. Throws what it throws. */
  run: <Value>(expression: string) => Promise<Value>;
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
