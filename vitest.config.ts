import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Examples install packages of their own, 400 MB of them, and the demo takes a minute: npm run test:examples.
    exclude: ["test/examples/**", "test/browser/demo.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    // Fault tests time real servers and processes; two files at once is what a 2-core machine can time fairly.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A promise nobody handled fails the run (G7): never turn this on.
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
