// A process that streams, from the front's side.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("streaming.ts", import.meta.url));

export interface StreamProcess {
  pid: number;
  port: number;
  /** How many SQL statements it has sent. */
  statements: () => number;
  /** SIGKILL: it can't say goodbye. Settles when it is gone. */
  kill: () => Promise<void>;
}

export async function startProcess(env: NodeJS.ProcessEnv): Promise<StreamProcess> {
  const child = fork(script, { env, execArgv: ["--import", "tsx"] });
  const exited = once(child, "exit");
  let statements = 0;
  const port = await new Promise<number>((resolve, reject) => {
    child.on("message", (message: { port?: number; statements?: number }) => {
      if (message.port !== undefined) resolve(message.port);
      statements = message.statements ?? statements;
    });
    child.once("exit", (code) =>
      reject(new Error(`A process that streams ended with ${code} at its start.`)),
    );
  });
  return {
    pid: child.pid ?? 0,
    port,
    statements: () => statements,
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
