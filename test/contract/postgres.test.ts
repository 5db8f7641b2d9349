// The contract over Postgres, through pg's Pool.

import { inject } from "vitest";
import { Pool } from "pg";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { freshKeyPrefix } from "./redis-backend.ts";
import { describeTransport } from "./transport.ts";

describeTransport("postgres", async () => {
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
});
