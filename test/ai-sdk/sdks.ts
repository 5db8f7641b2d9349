// AI SDK 5, 6 and 7 with their React hooks. Installed on first use and kept beside node_modules' own. Throws where it can't
// install them: no test skips.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const SDK_VERSIONS = {
  5: { ai: "5.0.277", react: "2.0.280" },
  6: { ai: "6.0.326", react: "3.0.328" },
  7: { ai: "7.0.173", react: "4.0.177" },
} as const;

export type SdkMajor = keyof typeof SDK_VERSIONS;

export const sdkFolder = fileURLToPath(new URL("../../node_modules/.cache/ai-sdk", import.meta.url));

/** Packages by their names in the folder: `ai5`, `react5` and so on. */
const wanted = Object.entries(SDK_VERSIONS).flatMap(([major, { ai, react }]) => [
  { name: `ai${major}`, version: ai, spec: `ai${major}@npm:ai@${ai}` },
  { name: `react${major}`, version: react, spec: `react${major}@npm:@ai-sdk/react@${react}` },
]);
const others = ["react@19.3.1", "react-dom@19.3.1", "zod@4.6.7"];

export function installSdks(): void {
  if (isInstalled()) return;
  mkdirSync(dirname(sdkFolder), { recursive: true });
  // In a folder of its own, as another test file may do the same: what is there under the name is whole.
  const folder = mkdtempSync(`${sdkFolder}-`);
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  const specs = [...wanted.map(({ spec }) => spec), ...others];
  const args = ["install", "--no-save", "--no-audit", "--no-fund", ...specs];
  try {
    execFileSync("npm", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"], timeout: 300_000 });
  } catch (cause) {
    throw new Error(`Tests need ${specs.join(", ")}: npm could not install them.`, { cause });
  }
  if (!isInstalled()) {
    rmSync(sdkFolder, { recursive: true, force: true });
    renameSync(folder, sdkFolder);
  }
  rmSync(folder, { recursive: true, force: true });
}

function isInstalled(): boolean {
  return wanted.every(({ name, version }) => installedVersion(name) === version);
}

function installedVersion(name: string): string | undefined {
  const manifest = join(sdkFolder, "node_modules", name, "package.json");
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

/** The part of the SDK that a server uses. */
export interface ServerSdk {
  streamText: (options: object) => UiStreams & { stream: unknown };
  convertToModelMessages: (messages: unknown) => unknown;
  toUIMessageStream?: (options: object) => ReadableStream<{ type: string }>;
  JsonToSseTransformStream: new () => ReadableWritablePair<string, unknown>;
  /** The part that a page uses: what it asks a server with, and what it makes a message of. */
  DefaultChatTransport: new (options: object) => {
    reconnectToStream: (options: object) => Promise<ReadableStream<unknown> | null>;
  };
  readUIMessageStream: (options: object) => AsyncIterable<unknown>;
}
interface UiStreams {
  toUIMessageStream: (options: object) => ReadableStream<{ type: string }>;
}

export async function loadSdk(major: SdkMajor): Promise<ServerSdk> {
  const folder = join(sdkFolder, "node_modules", `ai${major}`, "dist");
  // As an ES module: version 7 has no other, and calls it index.js.
  const [module, script] = [join(folder, "index.mjs"), join(folder, "index.js")];
  return (await import(pathToFileURL(existsSync(module) ? module : script).href)) as ServerSdk;
}
