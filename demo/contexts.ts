// A context over each store: the only lines in which one store's demo differs from another's.

import type { ResumableStreamContext } from "resumable-stream/memory";
import type { DurableStreamContext, PostgresPool } from "resumable-stream/postgres";
import type { Store } from "./stores.ts";

/** A killed producer is found in two seconds, rather than in ten. */
const LEASE_MS = 2_000;

const common = { waitUntil: null, onError: () => undefined };

/** `onStatement` is called at each SQL statement that goes to a server. */
export async function openContext(
  store: Store,
  onStatement: () => void,
): Promise<ResumableStreamContext | DurableStreamContext> {
  switch (store) {
    case "memory": {
      const { createResumableStreamContext } = await import("resumable-stream/memory");
      return createResumableStreamContext(common);
    }
    case "redis": {
      const { createResumableStreamContext } = await import("resumable-stream/redis");
      return createResumableStreamContext(common);
    }
    case "redis-kept": {
      const { createResumableStreamContext } = await import("resumable-stream/redis");
      return createResumableStreamContext({ ...common, keepText: true, leaseMs: LEASE_MS });
    }
    case "pglite": {
      const { createPgliteResumableStreamContext } = await import("resumable-stream/pglite");
      const dataDir = process.env["DEMO_FOLDER"] ?? "";
      const context = createPgliteResumableStreamContext({ ...common, dataDir });
      // Opens the folder now, rather than at the first press of a button.
      await context.hasExistingStream("none");
      return context;
    }
    case "postgres": {
      const { createPostgresResumableStreamContext } = await import("resumable-stream/postgres");
      const pool = await openPool(onStatement);
      return createPostgresResumableStreamContext({ ...common, pool, leaseMs: LEASE_MS });
    }
  }
}

async function openPool(onStatement: () => void): Promise<PostgresPool> {
  const { Pool } = await import("pg");
  const pool = new Pool({ connectionString: process.env["POSTGRES_URL"] });
  return counting(pool, onStatement);
}

/** The same pool, whose connections tell of each statement. */
function counting(pool: PostgresPool, onStatement: () => void): PostgresPool {
  return replacing(pool, "connect", async () => {
    const client = await pool.connect();
    return replacing(client, "query", (text: string, values?: unknown[]) => {
      onStatement();
      return client.query(text, values);
    });
  });
}

function replacing<T extends object>(object: T, method: keyof T, replacement: T[keyof T]): T {
  return new Proxy(object, {
    get: (target, name) => {
      if (name === method) return replacement;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
