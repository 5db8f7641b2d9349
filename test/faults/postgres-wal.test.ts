// scripts/postgres-wal-test.ts in its private form.

import { expect, test } from "vitest";
import { openPrivateServer } from "../../scripts/wal/private-server.ts";
import { runWalTest } from "../../scripts/wal/run.ts";

test(
  "what was reported as written is there after Postgres was killed hard, three times (G1)",
  { timeout: 90_000 },
  async () => {
    const server = await openPrivateServer();
    try {
      const { reported, kept } = await runWalTest(server);
      expect(reported).toBeGreaterThan(10_000);
      expect(kept).toBe(reported);
    } finally {
      await server.close();
    }
  },
);
