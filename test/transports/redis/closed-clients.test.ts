// Apps close their clients when their streams have ended. A channel that was to be given back then went with its connection, which is
// no trouble to tell of.

import { expect, inject, test } from "vitest";
import { connectionOf } from "../../../src/transports/redis/connections.ts";
import { createClients, type ClientKind } from "../../support/clients.ts";

const kinds: ClientKind[] = ["redis-4", "redis-5", "redis-6", "ioredis-5", "ioredis-6"];

test.each(kinds)(
  "%s: a channel is given back while the app closes its client, and after that",
  async (kind) => {
    const clients = await createClients(kind, inject("redisUrl"));
    const connection = connectionOf(clients.subscriber);
    await connection?.subscribe("one", () => undefined);
    await connection?.subscribe("two", () => undefined);
    const given = connection?.unsubscribe("one");
    clients.close();
    await expect(given).resolves.toBeUndefined();
    await expect(connection?.unsubscribe("two")).resolves.toBeUndefined();
  },
);
