// What is asked of a transport's port, and of contexts while it fails, over the one for Postgres.

import { describe, inject, test } from "vitest";
import { Pool } from "pg";
import { checkOptions } from "../../src/api/options.ts";
import { createDurableTransport } from "../../src/contexts/log.ts";
import { checkPostgresOptions } from "../../src/contexts/postgres-options.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { describePort } from "../../src/testing/transport/describe.ts";
import { poolDatabase } from "../../src/transports/postgres/pool.ts";
import type { Transport } from "../../src/port/transport.ts";
import { TcpProxy } from "../support/proxy.ts";

/** More processes than any test cuts. */
const PROXIES = 4;

describe("postgres, by its port", () => {
  describePort(
    async () => {
      const url = inject("postgresUrl");
      const starting = Array.from({ length: PROXIES }, () => TcpProxy.start(Number(new URL(url).port)));
      const proxies = await Promise.all(starting);
      const pools = new Map<Transport, Pool>();
      return {
        createTransport: (settings) => {
          const options = { ...settings, waitUntil: null };
          const connectionString = new URL(url);
          const proxy = proxies[pools.size];
          if (proxy) connectionString.port = String(proxy.port);
          const pool = new Pool({ connectionString: connectionString.href, max: 5 });
          const checked = checkOptions(options);
          const transport = createDurableTransport({
            checked,
            // A write over a connection that went silent is repeated after ackTimeoutMs, which has to be in time, on a busy machine too.
            postgres: checkPostgresOptions({ ...options, leaseMs: 2.5 * settings.ackTimeoutMs }, checked),
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
        cut: (transport, losing) => {
          const proxy = proxies[[...pools.keys()].indexOf(transport)];
          if (!proxy) throw new Error(`Only the first ${PROXIES} processes of a test can be cut off.`);
          proxy.blackHole(losing);
          return () => proxy.forget();
        },
        dispose: async () => {
          const open = [...pools.values()].filter(({ ending }) => !ending);
          // Connections that stay silent would never end by themselves.
          await Promise.all(proxies.map((proxy) => proxy.stop()));
          await Promise.all(open.map((pool) => pool.end()));
        },
      };
    },
    { runner: { describe: describe.concurrent, test }, seed: 1 },
  );
});
