// Clients of every supported major, as users pass them: the entries accept each as publisher and as subscriber.

import { Cluster as Cluster6, Redis as Ioredis6 } from "ioredis";
import { Cluster as Cluster5, Redis as Ioredis5 } from "ioredis-5";
import * as redis6 from "redis";
import * as redis4 from "redis-4";
import * as redis5 from "redis-5";
import { createResumableStreamContext } from "resumable-stream";
import { createResumableStreamContext as createGeneric } from "resumable-stream/generic";
import { createResumableStreamContext as createIoredis } from "resumable-stream/ioredis";
import { createResumableStreamContext as createMemory } from "resumable-stream/memory";
import { createResumableStreamContext as createRedis } from "resumable-stream/redis";

const waitUntil = null;
const url = "redis://localhost:6379";
const rootNodes = [{ url }];
const startupNodes = [{ host: "localhost", port: 6379 }];

const clients4 = [redis4.createClient({ url }), redis4.createCluster({ rootNodes })] as const;
const clients5 = [redis5.createClient({ url }), redis5.createCluster({ rootNodes })] as const;
const clients6 = [redis6.createClient({ url }), redis6.createCluster({ rootNodes })] as const;
const resp3 = [redis5.createClient({ url, RESP: 3 }), redis6.createClient({ url, RESP: 3 })] as const;
const pools = [redis5.createClientPool({ url }), redis6.createClientPool({ url })] as const;
const instances5 = [new Ioredis5(url), new Cluster5(startupNodes)] as const;
const instances6 = [new Ioredis6(url), new Cluster6(startupNodes)] as const;

for (const client of [...clients4, ...clients5, ...clients6, ...resp3, ...instances5, ...instances6]) {
  createResumableStreamContext({ waitUntil, publisher: client, subscriber: client });
  createRedis({ waitUntil, publisher: client, subscriber: client });
  createIoredis({ waitUntil, publisher: client, subscriber: client });
  createGeneric({ waitUntil, publisher: client, subscriber: client });
}

// A pool publishes, but has no connection to subscribe on.
for (const pool of pools) createResumableStreamContext({ waitUntil, publisher: pool });

createMemory({ waitUntil });

// @ts-expect-error -- waitUntil is named, even to say null: forgetting it loses text on serverless platforms.
createResumableStreamContext({});
// @ts-expect-error -- a client without `get` and `incr` keeps no status record.
createResumableStreamContext({ waitUntil, publisher: { publish: async () => 1 } });
// @ts-expect-error -- a connection string isn't a client.
createResumableStreamContext({ waitUntil, publisher: url });
