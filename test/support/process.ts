// Worker processes, from the test's side: a typed call each, and everything that can happen to a process.

import { fork, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { ErrorReport } from "./error-report.ts";
import type { ReadingReport } from "./reading.ts";
import { Turnstile } from "./turnstile.ts";
import { until, within } from "./wait.ts";
import type {
  OpenParams,
  StartAnswer,
  StartParams,
  WorkerAnswer,
  WorkerCalls,
  WorkerMethod,
} from "./worker-protocol.ts";

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** A process that starts keeps a core busy for half a second: many at once would disturb what tests measure. */
const starts = new Turnstile(2);
const source = fileURLToPath(new URL("worker.ts", import.meta.url));
/** Of this checkout: several may share their packages. */
const checkout = createHash("sha256")
  .update(import.meta.url)
  .digest("hex")
  .slice(0, 8);
const script = fileURLToPath(
  new URL(`../../node_modules/.cache/resumable-stream/worker-${checkout}.mjs`, import.meta.url),
);

/** Bundles what worker processes run: compiled in each of them it would take three times as long to start. */
export async function buildWorker(): Promise<void> {
  await build({
    entryPoints: [source],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    sourcemap: "inline",
  });
}

/** Start with `WorkerProcess.start()`, best as `await using`; it is killed at the end if it still runs. */
export class WorkerProcess {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #stderr = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.on("data", (data: Buffer) => (this.#stderr += data.toString()));
    child.on("message", (answer: WorkerAnswer | "ready") => {
      if (answer !== "ready") this.#settle(answer);
    });
    this.exited = once(child, "exit").then(([code, signal]: unknown[]) => {
      const exit = { code, signal, stderr: this.#stderr } as Exit;
      for (const { reject } of this.#waiting.values()) {
        reject(
          new Error(`The worker exited (${String(code ?? signal)}) before it answered. ${this.#stderr}`),
        );
      }
      this.#waiting.clear();
      return exit;
    });
  }

  /** A process with a context over the given clients. */
  static async start(params: OpenParams): Promise<WorkerProcess> {
    return starts.run(() => WorkerProcess.#start(params));
  }

  static async #start(params: OpenParams): Promise<WorkerProcess> {
    const child = fork(script, {
      execArgv: ["--enable-source-maps", "--expose-gc"],
      env: { ...process.env, REDIS_URL: params.url, NODE_ENV: "test" },
      // Structured clone: JSON would lose undefined, and lone surrogates must not pass through UTF-8.
      serialization: "advanced",
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    const worker = new WorkerProcess(child);
    const ready = Promise.race([once(child, "message"), worker.exited.then(failToStart)]);
    await within(30_000, "a worker process to start", ready);
    await worker.ask("open", params);
    return worker;
  }

  get isRunning(): boolean {
    return this.#child.connected && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  ask<Method extends WorkerMethod>(
    method: Method,
    ...[params]: WorkerCalls[Method]["params"] extends undefined ? [] : [WorkerCalls[Method]["params"]]
  ): Promise<WorkerCalls[Method]["answer"]> {
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send({ id, method, params }, (error) => {
        if (error === null) return;
        this.#waiting.delete(id);
        reject(error);
      });
    });
  }

  start(params: StartParams): Promise<StartAnswer> {
    return this.ask("start", params);
  }

  /** Starts a reading that a test takes for granted; throws where there is no stream. */
  async reads(params: StartParams): Promise<StartAnswer> {
    const answer = await this.start(params);
    if (answer.outcome === "stream") return answer;
    throw new Error(`"${params.read}" got ${answer.outcome} for a stream. ${answer.error?.message ?? ""}`);
  }

  /** Resolves once every promise given to waitUntil has settled (G7). */
  async settled(limitMs: number): Promise<void> {
    await until(
      async () => {
        const { waitUntil } = await this.ask("vitals");
        return waitUntil.given === waitUntil.settled;
      },
      { what: "the promises given to waitUntil", withinMs: limitMs },
    );
  }

  /** Waits for a reading's end, no longer than named. */
  ended(read: string, limitMs: number): Promise<ReadingReport> {
    return within(limitMs, `the end of "${read}"`, this.ask("ended", { read }));
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  /** SIGSTOP: its connections stay open and it does nothing. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #settle(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(new WorkerError(answer.error));
    else waiting?.resolve(answer.value);
  }
}

/** What a call rejected with in the worker. */
class WorkerError extends Error {
  readonly code: string | undefined;

  constructor({ name, code, message }: ErrorReport) {
    super(`${name}: ${message}`);
    this.code = code;
  }
}

function failToStart({ code, stderr }: Exit): never {
  throw new Error(`The worker exited with ${code} before it was ready:\n${stderr}`);
}
