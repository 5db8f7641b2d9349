// An app that closes its clients, or ends its pool, before a stream's end is written gets no answer any more: nothing is sent again.

import { expect, inject, test } from "vitest";
import { openContext } from "../support/contexts.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until } from "../support/wait.ts";
import type { OpenParams } from "../support/worker-protocol.ts";

const redis = (clients: OpenParams["clients"], keepText: boolean): OpenParams => ({
  clients,
  url: inject("redisUrl"),
  options: { keepText },
});

test.each([
  redis("redis-4", false),
  redis("redis-6", false),
  redis("redis-6", true),
  redis("ioredis-5", false),
  redis("ioredis-6", false),
  redis("ioredis-6", true),
  { clients: "postgres", url: "" } as const,
])("$clients, $options: its streams are over, and are told of once", async (params) => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const opened = await openContext({ ...params, url: params.url || database.url });
  let end = (): void => undefined;
  const source = new ReadableStream<string>({
    start: (controller) => {
      controller.enqueue("text");
      end = () => {
        controller.close();
        opened.closeClients();
      };
    },
  });
  const stream = await opened.context.resumableStream(crypto.randomUUID(), () => source);
  end();
  const { value } = (await stream?.getReader().read()) ?? {};
  expect(value).toBe("text");
  const { waitUntil } = opened;
  await until(() => waitUntil.given === waitUntil.settled, {
    what: "the stream's work to be over",
    withinMs: 4_000,
  });
  expect(opened.errors.map(({ code }) => code)).toEqual(["TRANSPORT_UNAVAILABLE"]);
  await opened.context.close();
});
