// The examples and the demo, as their readers start them, deploys, and chats in Chromium: npm test leaves them out.

import { defineConfig } from "vitest/config";
import { slow } from "./vitest.slow.ts";

export default defineConfig({
  test: {
    include: [...slow],
    globalSetup: ["test/support/global-setup.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
