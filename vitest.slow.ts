// Test files that `npm run test:examples` runs, and `npm test` doesn't.

export const slow: readonly string[] = [
  "test/contract/pglite.test.ts",
  "test/faults/postgres-away.test.ts",
  "test/faults/races.test.ts",
  "test/runtimes/**/*.test.ts",
  "test/package/jest.test.ts",
  "test/testing/runners.test.ts",
  "test/examples/**/*.test.ts",
  "test/browser/demo.test.ts",
  "test/ai-sdk/use-chat.test.ts",
  "test/faults/rolling-restart.test.ts",
  "test/faults/redis-cluster-failover.test.ts",
  "test/package/install.test.ts",
  "test/samples/deploys.test.ts",
  "test/types/versions.test.ts",
];
