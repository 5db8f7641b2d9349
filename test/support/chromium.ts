// A headless Chromium: Debian's package, found or installed as the servers are.

import { chromium, type Browser } from "playwright-core";
import { chromiumBinary, ensureBinary } from "./server-binary.ts";

export async function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: ensureBinary(chromiumBinary),
    // Tests run as root in containers, where Chromium has no sandbox and little shared memory.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}
