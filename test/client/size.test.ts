// What a browser has to load.

import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

test("the client is less than 3 KB, minified and gzipped, and has nothing of the server's part", async () => {
  const { metafile, outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../../dist/client.js", import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    metafile: true,
    write: false,
  });
  const [bundle] = outputFiles;
  expect(gzipSync(bundle?.contents ?? "").length).toBeLessThan(3 * 1024);
  const others = Object.keys(metafile.inputs).filter(
    (path) => !/dist\/(client\.js|client\/|lib\/)/.test(path),
  );
  expect(others).toEqual([]);
});
