// The client as a page loads it.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export async function clientScript(): Promise<string> {
  const entry = fileURLToPath(new URL("../../dist/client.js", import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false });
  return outputFiles[0]?.text ?? "";
}
