// Calls between the benchmark and its child processes, typed on both sides by one record of functions.

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { withDeadline } from "./deadline.ts";

export type Handlers = Record<string, (parameters: never) => Promise<unknown>>;
type Parameters<H extends Handlers, K extends keyof H> = H[K] extends (parameters: infer P) => unknown
  ? P
  : never;
type Answer<H extends Handlers, K extends keyof H> = Awaited<ReturnType<H[K]>>;

type Request = { id: number; name: string; parameters: unknown };
type Reply = { id: number; answer?: unknown; error?: string };

/** Answers calls until the parent goes. */
export function serve(handlers: Handlers): void {
  process.on("message", ({ id, name, parameters }: Request) => {
    const handler = handlers[name] as ((given: unknown) => Promise<unknown>) | undefined;
    Promise.resolve(parameters)
      .then((given) => handler?.(given))
      .then(
        (answer) => send({ id, answer }),
        (error: unknown) =>
          send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      );
  });
  process.on("disconnect", () => process.exit());
  process.send?.("ready");
}

function send(reply: Reply): void {
  process.send?.(reply);
}

export class Child<H extends Handlers> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: unknown) => void; reject: (error: Error) => void }
  >();
  #calls = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (reply: Reply | "ready") => {
      if (reply === "ready") return;
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.error === undefined) waiting?.resolve(reply.answer);
      else waiting?.reject(new Error(reply.error));
    });
    child.once("exit", (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`child ended: ${code ?? signal}`));
    });
  }

  /** `entry` is a file of this folder's parent. */
  static async start<H extends Handlers>(entry: string, flags: readonly string[] = []): Promise<Child<H>> {
    const file = fileURLToPath(new URL(`../${entry}`, import.meta.url));
    const child = fork(file, { execArgv: ["--import", "tsx", ...flags], serialization: "advanced" });
    await withDeadline(once(child, "message"), { what: `${entry} to start`, ms: 20_000 });
    return new Child<H>(child);
  }

  call<K extends keyof H & string>(
    name: K,
    parameters: Parameters<H, K>,
    maxMs = 30_000,
  ): Promise<Answer<H, K>> {
    this.#calls += 1;
    const id = this.#calls;
    const answered = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#child.send({ id, name, parameters } satisfies Request);
    return withDeadline(answered, { what: name, ms: maxMs }) as Promise<Answer<H, K>>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit");
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await exited;
  }
}
