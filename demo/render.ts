// What the browser gets: the page with its style and stores, and the page's script in one file.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Store, traits } from "./stores.ts";

export async function renderPage(stores: readonly Store[]): Promise<string> {
  const [page, style] = await Promise.all(
    ["page.html", "page.css"].map((name) => readFile(new URL(name, import.meta.url), "utf8")),
  );
  const options = stores.map((store) => `<option value="${store}">${traits[store].name}</option>`);
  return (page ?? "").replace("<!-- stores -->", options.join("")).replace("/* style */", () => style ?? "");
}

export async function renderScript(): Promise<string> {
  const entry = fileURLToPath(new URL("browser/main.ts", import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false });
  return outputFiles[0]?.text ?? "";
}
