// A process that streams, from the front's side.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("streaming.ts", import.meta.url));

/** A message of such a process to the front, with one of these. */
export interface Report {
  port?: number;
  /** How many SQL statements it has sent. */
  statements?: number;
  /** The source of a stream has said one more word. */
  said?: { id: string; word: string };
}

export interface StreamProcess {
  pid: number;
  port: number;
  /** SIGKILL: it can't say goodbye. Settles when it is gone. */
  kill: () => Promise<void>;
}

export async function startProcess(
  env: NodeJS.ProcessEnv,
  onReport: (report: Report) => void,
): Promise<StreamProcess> {
  const child = fork(script, { env, execArgv: ["--import", "tsx"] });
  const exited = once(child, "exit");
  const port = await new Promise<number>((resolve, reject) => {
    child.on("message", (report: Report) => {
      if (report.port !== undefined) resolve(report.port);
      onReport(report);
    });
    child.once("exit", (code) =>
      reject(new Error(`A process that streams ended with ${code} at its start.`)),
    );
  });
  return {
    pid: child.pid ?? 0,
    port,
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
