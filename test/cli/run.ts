// The command as people run it: the built file, in a process of its own.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { until, within } from "../support/wait.ts";

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env["PATH"], ...env }, timeout: 25_000 };
    execFile(process.execPath, [cli, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? -1);
      resolve({ code, stdout: stdout.trim(), stderr: stderr.trim() });
    });
  });
}

/** A command that goes on. Use as `await using`; it is killed at the end if it still runs. */
export class Running {
  stdout = "";
  stderr = "";
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown[]>;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [cli, ...args], { env: { PATH: process.env["PATH"], ...env } });
    child.stdout.setEncoding("utf8").on("data", (data: string) => (this.stdout += data));
    child.stderr.setEncoding("utf8").on("data", (data: string) => (this.stderr += data));
    this.#child = child;
    this.#closed = once(child, "close");
  }

  async printed(text: string): Promise<void> {
    await until(() => this.stdout.includes(text), { what: `the command to print ${text}`, withinMs: 20_000 });
  }

  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  /** Its exit code. */
  async exited(): Promise<unknown> {
    const [code] = await within(20_000, "the command to exit", this.#closed);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }
}

/** What `--json` printed, a value a line. */
export function values({ stdout }: Pick<Outcome, "stdout">): Record<string, unknown>[] {
  const lines = stdout.trim().split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
}
