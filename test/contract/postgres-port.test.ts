// What is asked of a transport's port, and of contexts while it fails, over the one for Postgres.

import { describe, inject, test } from "vitest";
import { Pool } from "pg";
import { checkOptions } from "../../src/api/options.ts";
import { createDurableTransport } from "../../src/api/postgres-context.ts";
import { checkPostgresOptions } from "../../src/api/postgres-options.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { describePort } from "../../src/testing/transport/describe.ts";
import { poolDatabase } from "../../src/transports/postgres/pool.ts";
import type { Transport } from "../../src/transports/transport.ts";

describe("postgres, by its port", () => {
  describePort(
    () => {
      const pools = new Map<Transport, Pool>();
      return {
        createTransport: (settings) => {
          const options = { ...settings, waitUntil: null };
          const pool = new Pool({ connectionString: inject("postgresUrl"), max: 5 });
          const checked = checkOptions(options);
          const transport = createDurableTransport({
            checked,
            postgres: checkPostgresOptions({ ...options, leaseMs: settings.livenessMs }, checked),
            database: poolDatabase({
              pool,
              listenerPool: undefined,
              clock: systemClock,
              onError: () => undefined,
            }),
            hasGrace: true,
          });
          pools.set(transport, pool);
          return transport;
        },
        kill: (transport) => void pools.get(transport)?.end(),
        dispose: async () => {
          const open = [...pools.values()].filter(({ ending }) => !ending);
          await Promise.all(open.map((pool) => pool.end()));
        },
      };
    },
    { runner: { describe: describe.concurrent, test }, seed: 1 },
  );
});
