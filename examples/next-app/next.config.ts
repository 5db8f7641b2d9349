import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

export default {
  // The library is linked from this repository, two folders up. With the published package this line isn't needed.
  turbopack: { root: fileURLToPath(new URL("../..", import.meta.url)) },
} satisfies NextConfig;
