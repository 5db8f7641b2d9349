// The examples use the library from this repository: it has to be built once. With the published package this file, and
// the line of package.json that calls it, aren't needed.

import { execSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const library = fileURLToPath(new URL("..", import.meta.url));
if (!existsSync(new URL("../dist/index.js", import.meta.url))) {
  execSync("npm install --no-save --no-audit --no-fund && npm run build", { cwd: library, stdio: "inherit" });
}
