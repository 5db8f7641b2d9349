// The contract over Postgres, through pg's Pool.

import { describe, inject, test } from "vitest";
import { Pool } from "pg";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { describeContexts } from "../../src/testing/contexts.ts";
import { freshKeyPrefix } from "../../src/testing/contract.ts";

describeContexts(
  "postgres",
  async () => {
    const keyPrefix = freshKeyPrefix();
    const pools: Pool[] = [];
    return {
      keepsText: true,
      createContext: async (options) => {
        const pool = new Pool({ connectionString: inject("postgresUrl"), max: 5 });
        pools.push(pool);
        return createPostgresResumableStreamContext({ keyPrefix, ...options, pool });
      },
      dispose: async () => {
        await Promise.all(pools.map((pool) => pool.end()));
      },
    };
  },
  { describe: describe.concurrent, test },
);
