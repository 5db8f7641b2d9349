// Runs a suite on a runtime, and gives what became of each promise.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/wait.ts";
import type { Outcome } from "./program/collect.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const programs = join(root, "test/runtimes/program");

export interface SuiteResult {
  /** As the runtime names itself. */
  runtime: string;
  /** How many there were to run, and how many told how they went. */
  planned: number;
  told: number;
  /** Why, by name. */
  broken: Record<string, string>;
}

/** Starts a program that reads TypeScript, for one suite, whose output is the result. */
export async function runProgram(
  command: readonly string[],
  suite: string,
  address: string,
): Promise<SuiteResult> {
  return run([...command, join(programs, "process.ts"), suite, address], { address, input: "" });
}

/** The same for one that reads none. What is given on stdin finds the package as a file of its folder would. */
export async function runNode(program: string, suite: string, address: string): Promise<SuiteResult> {
  const { outputFiles } = await build({
    entryPoints: [join(programs, "process.ts")],
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    write: false,
  });
  const command = [program, "--input-type=module", "-", suite, address];
  return run(command, { address, input: outputFiles[0]?.text ?? "" });
}

async function run(
  [program = "", ...args]: readonly string[],
  { address, input }: { address: string; input: string },
): Promise<SuiteResult> {
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, REDIS_URL: address, NO_COLOR: "1" },
  });
  child.stdin.end(input);
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (data: string) => (output += data));
  child.stderr.setEncoding("utf8").on("data", (data: string) => (errors += data));
  await once(child, "close", { signal: AbortSignal.timeout(55_000) }).finally(() => child.kill("SIGKILL"));
  return resultOf(output, errors);
}

export interface Worker extends AsyncDisposable {
  run: (suite: string, address: string) => Promise<SuiteResult>;
}

/** Starts workerd with the suites' bundle. */
export async function startWorker(workerd: string): Promise<Worker> {
  const folder = await mkdtemp(join(tmpdir(), "worker-"));
  const port = await freePort();
  const { warnings } = await build({
    entryPoints: [join(programs, "worker.ts")],
    bundle: true,
    format: "esm",
    platform: "neutral",
    outfile: join(folder, "worker.js"),
  });
  if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join("\n"));
  await writeFile(join(folder, "config.capnp"), configOf(port));
  const child = spawn(workerd, ["serve", join(folder, "config.capnp")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const log = logOf(child);
  const address = `http://127.0.0.1:${port}`;
  await until(
    () =>
      fetch(address).then(
        () => true,
        () => false,
      ),
    { what: "workerd to answer" },
  );
  return {
    async run(suite, suiteAddress) {
      const url = `${address}/${suite}?address=${encodeURIComponent(suiteAddress)}`;
      const response = await fetch(url, { signal: AbortSignal.timeout(55_000) });
      return resultOf(await response.text(), log());
    },
    async [Symbol.asyncDispose]() {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
      await rm(folder, { recursive: true });
    },
  };
}

function logOf(child: ChildProcess): () => string {
  let log = "";
  child.stderr?.setEncoding("utf8").on("data", (data: string) => (log += data));
  return () => log;
}

/** No compatibility flag: nothing of Node is there. */
function configOf(port: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2025-01-01",
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;
}

type Line = Outcome | { planned: number; runtime: string };

function resultOf(output: string, errors: string): SuiteResult {
  const lines = output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
  const summary = lines.find((line) => "planned" in line);
  if (!summary) throw new Error(`The program ended early.\n${output.slice(-2_000)}\n${errors.slice(-2_000)}`);
  const outcomes = lines.filter((line) => "name" in line);
  return {
    ...summary,
    told: outcomes.length,
    broken: Object.fromEntries(
      outcomes.flatMap(({ name, error }) => (error === undefined ? [] : [[name, error]])),
    ),
  };
}
