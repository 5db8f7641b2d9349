// A context over a pool of its own, as a process of an app has them.

import { Pool, type PoolConfig } from "pg";
import {
  createPostgresResumableStreamContext,
  type CreatePostgresResumableStreamContextOptions,
  type DurableStreamContext,
} from "../../src/postgres.ts";

export interface PostgresProcess extends AsyncDisposable {
  pool: Pool;
  context: DurableStreamContext;
}

export function openProcess(
  config: PoolConfig,
  options: Partial<CreatePostgresResumableStreamContextOptions> = {},
): PostgresProcess {
  const pool = new Pool(config);
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null, ...options });
  const dispose = async (): Promise<void> => {
    await context.close();
    await pool.end();
  };
  return { pool, context, [Symbol.asyncDispose]: dispose };
}
