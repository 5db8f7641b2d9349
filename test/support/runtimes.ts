// Bun, Deno and workerd, by the npm packages of their programs. Installed on first use and kept beside node_modules' own:
// they are 350 MB that nothing but their test needs. Throws where it can't install them: no test skips.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type RuntimeName = "bun" | "deno" | "workerd";

interface RuntimePackage {
  name: string;
  version: string;
  /** The program's path inside it. */
  program: string;
}

const folder = fileURLToPath(new URL("../../node_modules/.cache/runtimes", import.meta.url));

export const RUNTIME_VERSIONS: Record<RuntimeName, string> = {
  bun: "1.4.5",
  deno: "2.9.6",
  workerd: "1.20261117.1",
};

/** The programs' paths. */
export function installRuntimes(): Record<RuntimeName, string> {
  const packages = packagesOf(`${process.platform}-${process.arch}`);
  const missing = Object.values(packages).filter((runtime) => installedVersion(runtime) !== runtime.version);
  if (missing.length > 0) install(Object.values(packages));
  const pathOf = ({ name, program }: RuntimePackage): string => join(folder, "node_modules", name, program);
  return { bun: pathOf(packages.bun), deno: pathOf(packages.deno), workerd: pathOf(packages.workerd) };
}

/** In the order bun, deno, workerd. */
const PLATFORMS: Record<string, readonly [bun: string, deno: string, workerd: string]> = {
  // Baseline: for processors without AVX2, too.
  "linux-x64": ["linux-x64-baseline", "linux-x64-glibc", "linux-64"],
  "linux-arm64": ["linux-aarch64", "linux-arm64-glibc", "linux-arm64"],
  "darwin-x64": ["darwin-x64-baseline", "darwin-x64", "darwin-64"],
  "darwin-arm64": ["darwin-aarch64", "darwin-arm64", "darwin-arm64"],
};

function packagesOf(platform: string): Record<RuntimeName, RuntimePackage> {
  const names = PLATFORMS[platform];
  if (!names) throw new Error(`Tests of runtimes know no Bun, Deno and workerd for ${platform}.`);
  const [bun, deno, workerd] = names;
  return {
    bun: { name: `@oven/bun-${bun}`, version: RUNTIME_VERSIONS.bun, program: "bin/bun" },
    deno: { name: `@deno/${deno}`, version: RUNTIME_VERSIONS.deno, program: "deno" },
    workerd: {
      name: `@cloudflare/workerd-${workerd}`,
      version: RUNTIME_VERSIONS.workerd,
      program: "bin/workerd",
    },
  };
}

function installedVersion({ name }: RuntimePackage): string | undefined {
  const manifest = join(folder, "node_modules", name, "package.json");
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

function install(packages: readonly RuntimePackage[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const wanted = packages.map(({ name, version }) => `${name}@${version}`);
  const args = ["install", "--no-save", "--no-audit", "--no-fund", ...wanted];
  try {
    execFileSync("npm", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"], timeout: 300_000 });
  } catch (cause) {
    throw new Error(`Tests need ${wanted.join(", ")}: npm could not install them.`, { cause });
  }
}
