// A sample of the documents as a server in a process of its own, which can be killed and started again, behind a proxy that cuts.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { root } from "../docs/markdown.ts";
import { freePort } from "../support/free-port.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";

export interface SampleServer extends AsyncDisposable {
  /** Of the proxy before the server. */
  url: string;
  /** Past the proxy, as another device reaches it. */
  directUrl: string;
  proxy: TcpProxy;
  /** Of the server itself. */
  port: number;
  /** Lets the answer end. */
  finish: () => Promise<void>;
  /** SIGKILL, in the middle of whatever it does. */
  kill: () => Promise<void>;
  /** SIGTERM. Settles once the process has ended, with its exit code, or the signal that ended it. */
  terminate: () => Promise<unknown>;
  /** A fresh process in its place, over the same store. */
  restart: () => Promise<void>;
}

/** Starts a program that listens on `PORT` of its environment. */
export async function serveSample(file: string, env: NodeJS.ProcessEnv): Promise<SampleServer> {
  const port = await freePort();
  const finishFile = `${file}.${port}.finish`;
  const environment = { ...env, FINISH_FILE: finishFile };
  let child = await start({ file, port, env: environment });
  const proxy = await TcpProxy.start(port);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    directUrl: `http://127.0.0.1:${port}`,
    proxy,
    port,
    finish: () => writeFile(finishFile, ""),
    kill,
    terminate: async () => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const [code, signal] = (await exited) as unknown[];
      return code ?? signal;
    },
    restart: async () => {
      child = await start({ file, port, env: environment });
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await proxy.stop();
    },
  };
}

interface Start {
  file: string;
  port: number;
  env: NodeJS.ProcessEnv;
}

async function start({ file, port, env }: Start): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), file], {
    cwd: root,
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const isUp = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`${file} exited with ${child.exitCode}:\n${stderr}`);
    return fetch(`http://127.0.0.1:${port}/up`).then(
      async (response) => {
        await response.body?.cancel();
        return true;
      },
      () => false,
    );
  };
  await until(isUp, { what: `${file} to listen`, withinMs: 30_000 });
  return child;
}
