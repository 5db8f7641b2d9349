// A process that streams, from the front's side.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("streaming.ts", import.meta.url));

export interface StreamProcess {
  pid: number;
  port: number;
  kill: () => void;
}

export async function startProcess(): Promise<StreamProcess> {
  const child = fork(script, { execArgv: ["--import", "tsx"] });
  const [message] = (await once(child, "message")) as [{ port: number }];
  return { pid: child.pid ?? 0, port: message.port, kill: () => void child.kill("SIGKILL") };
}
