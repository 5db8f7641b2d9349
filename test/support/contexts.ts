// A context over any of the clients, with a record of what it told and what it was given to keep alive.

import { Pool } from "pg";
import type { DurableStreamContext } from "../../src/api/types.ts";
import { createResumableStreamContext as overGeneric } from "../../src/generic.ts";
import { createResumableStreamContext as overIoredis } from "../../src/ioredis.ts";
import { createPgliteResumableStreamContext as overPglite } from "../../src/pglite.ts";
import { createPostgresResumableStreamContext as overPostgres } from "../../src/postgres.ts";
import { createResumableStreamContext as overRedis } from "../../src/redis.ts";
import { Dice } from "../../src/testing/dice.ts";
import { createLine } from "../../src/testing/pubsub/line.ts";
import { createClients, createGenericPair, type ClientPair } from "./clients.ts";
import { reportError, type ErrorReport } from "./error-report.ts";
import { takingBy } from "./taking.ts";
import type { OpenParams, RedisClients, Vitals } from "./worker-protocol.ts";

export interface OpenedContext extends AsyncDisposable {
  context: DurableStreamContext;
  /** Absent where the library made its own, and over Postgres. */
  clients: ClientPair | undefined;
  /** What onError was told. */
  errors: ErrorReport[];
  waitUntil: Vitals["waitUntil"];
  /** Cuts the clients that were passed in, which the library must not. */
  closeClients: () => void;
}

export async function openContext(params: OpenParams): Promise<OpenedContext> {
  const errors: ErrorReport[] = [];
  const waitUntil = { given: 0, settled: 0, rejected: 0 };
  const common = {
    ...params.options,
    ...(params.onEnd && { onEnd: takingBy(params.onEnd) }),
    waitUntil: (promise: Promise<unknown>) => keep(promise, waitUntil),
    onError: (error: Error) => void errors.push(reportError(error)),
  };
  const { clients, context, closeClients } = await overClients(params, common);
  const dispose = async (): Promise<void> => {
    await context.close();
    closeClients();
  };
  return { context, clients, errors, waitUntil, closeClients, [Symbol.asyncDispose]: dispose };
}

type Common = Parameters<typeof overGeneric>[0] & { keepText?: boolean };
type Opened = Pick<OpenedContext, "clients" | "context" | "closeClients">;

async function overClients({ clients: kind, ...params }: OpenParams, common: Common): Promise<Opened> {
  const { poolSize = 10, url } = params;
  if (kind === "pglite") {
    const context = overPglite({ ...common, dataDir: url });
    return { clients: undefined, context, closeClients: () => undefined };
  }
  if (kind === "postgres") {
    const pool = new Pool({ connectionString: url, max: poolSize });
    const context = overPostgres({ ...common, pool });
    return { clients: undefined, context, closeClients: () => void pool.end() };
  }
  const clients = await clientsOf({ ...params, clients: kind });
  const context = contextOf({ ...params, clients: kind }, common, clients);
  return { clients, context, closeClients: () => clients?.close() };
}

type RedisParams = OpenParams & { clients: RedisClients };

async function clientsOf({ clients, url, lossy }: RedisParams): Promise<ClientPair | undefined> {
  if (clients === "default-redis" || clients === "default-ioredis") return undefined;
  if (lossy === undefined) return createClients(clients, url);
  if (clients !== "redis-6" && clients !== "ioredis-6")
    throw new TypeError(`No lossy pub/sub over ${clients}`);
  const pair = await createGenericPair(clients, url);
  const { pair: mistreated } = createLine(pair, { ...lossy, dice: new Dice(lossy.seed) });
  const connect = (): Promise<void> => Promise.resolve();
  return {
    publisher: { ...mistreated.publisher, connect },
    subscriber: { ...mistreated.subscriber, connect },
    close: pair.close,
  };
}

function contextOf(
  { clients, lossy }: RedisParams,
  common: Common,
  pair: ClientPair | undefined,
): DurableStreamContext {
  if (lossy !== undefined && pair !== undefined) return overGeneric({ ...common, ...withoutClose(pair) });
  const create = clients.includes("ioredis") ? overIoredis : overRedis;
  const { keepText = false } = common;
  return create({ ...common, ...(pair && withoutClose(pair)), keepText });
}

function withoutClose({ publisher, subscriber }: ClientPair): Omit<ClientPair, "close"> {
  return { publisher, subscriber };
}

function keep(promise: Promise<unknown>, counts: Vitals["waitUntil"]): void {
  counts.given += 1;
  promise.then(
    () => void (counts.settled += 1),
    () => {
      counts.settled += 1;
      counts.rejected += 1;
    },
  );
}
