import { defineConfig } from "vitest/config";
import { slow } from "./vitest.slow.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Examples install packages of their own, 400 MB of them, and the others take half a minute each and more: npm run
    // test:examples has them.
    exclude: [...slow],
    globalSetup: ["test/support/global-setup.ts"],
    // Fault tests time real servers and processes; two files at once is what a 2-core machine can time fairly.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A promise nobody handled fails the run (G7): never turn this on.
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
