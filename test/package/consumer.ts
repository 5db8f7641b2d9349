// Projects of users: an empty folder each, with the packed package installed and only the clients named.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Tarball {
  path: string;
  /** Paths inside the package. */
  files: string[];
  remove: () => Promise<void>;
}

/** Packs what the build left in dist/. */
export async function pack(): Promise<Tarball> {
  const folder = await mkdtemp(join(tmpdir(), "resumable-stream-pack-"));
  const { stdout } = await npm(["pack", "--ignore-scripts", "--json", "--pack-destination", folder], root);
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  if (!packed) throw new Error(`npm pack named no file: ${stdout}`);
  return {
    path: join(folder, packed.filename),
    files: packed.files.map(({ path }) => path),
    remove: () => rm(folder, { recursive: true }),
  };
}

export interface Consumer {
  /** Runs a module or a CommonJS script to its end, and gives what it printed. Rejects when it exits with an error. */
  run: (script: { kind: "module" | "commonjs"; code: string; env?: NodeJS.ProcessEnv }) => Promise<string>;
  /** Runs the package's command, as `npx` finds it, whatever it exits with. */
  command: (args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<CommandOutcome>;
  remove: () => Promise<void>;
}

export interface CommandOutcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A project that has the package and, of all clients, only those named. */
export async function createConsumer(tarball: Tarball, clients: readonly string[]): Promise<Consumer> {
  const folder = await mkdtemp(join(tmpdir(), "resumable-stream-consumer-"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true }));
  await npm(["install", "--no-audit", "--no-fund", "--prefer-offline", tarball.path], folder);
  for (const client of clients) await copyPackage(client, join(folder, "node_modules"));
  return {
    async run({ kind, code, env }) {
      const file = join(folder, kind === "module" ? "script.mjs" : "script.cjs");
      await writeFile(file, code);
      const { stdout } = await run(process.execPath, [file], {
        cwd: folder,
        env: { ...bareEnvironment(), ...env },
        timeout: 25_000,
      });
      return stdout.trim();
    },
    command: (args, env) =>
      new Promise((resolve) => {
        const bin = join(folder, "node_modules/.bin/resumable-stream");
        const options = { cwd: folder, env: { ...bareEnvironment(), ...env }, timeout: 25_000 };
        execFile(bin, [...args], options, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
        });
      }),
    remove: () => rm(folder, { recursive: true }),
  };
}

// Copied with all it needs, since a link would let Node find every package of this repository.
async function copyPackage(
  name: string,
  nodeModules: string,
  from = join(root, "package.json"),
): Promise<void> {
  const source = folderOf(name, from);
  const target = join(nodeModules, name);
  await mkdir(dirname(target), { recursive: true });
  await cp(source, target, { recursive: true });
  const manifest = JSON.parse(await readFile(join(source, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    await copyPackage(dependency, nodeModules, join(source, "package.json"));
  }
}

function folderOf(name: string, from: string): string {
  const entry = createRequire(from).resolve(name);
  const marker = join("node_modules", name);
  return entry.slice(0, entry.lastIndexOf(marker) + marker.length);
}

function npm(args: readonly string[], cwd: string): Promise<{ stdout: string }> {
  return run("npm", args, { cwd, env: bareEnvironment(), timeout: 50_000 });
}

// A test run under npm inherits its settings, and a server that no test has chosen.
function bareEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(?!config_(registry|cache|userconfig))|NODE_|VITEST|TEST|REDIS_URL|KV_URL|POSTGRES_)/i.test(
        name,
      ),
  );
  return Object.fromEntries(inherited);
}
