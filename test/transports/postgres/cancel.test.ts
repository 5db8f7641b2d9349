// Requests to cancel a statement, to a server that takes its time: a pooler that waits for Postgres itself.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { cancel } from "../../../src/transports/postgres/cancel.ts";
import type { PostgresPool } from "../../../src/transports/postgres/pool-port.ts";
import { freePort } from "../../support/free-port.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/wait.ts";

const WAITED_MS = 1_000;
const OPEN_MS = 15_000;
const MOST = 4;

/** As clients over a WebSocket: their stream has what `pg` calls of a socket, and no timer. */
class OverWebSocket extends Client {
  constructor(options: ConstructorParameters<typeof Client>[0]) {
    super(options);
    const { connection } = this as unknown as { connection: { stream: object } };
    Object.assign(connection.stream, { setTimeout: undefined });
  }
}

async function openServer(Driver: typeof Client = Client) {
  const port = await freePort();
  const requests: Socket[] = [];
  const server = createServer((socket) => void requests.push(socket.resume()));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of requests) socket.destroy();
    server.close();
  });
  const clock = manualClock();
  const options = { host: "127.0.0.1", port };
  const pool = { options } as unknown as PostgresPool;
  let given = 0;
  const giveUp = (): void => {
    const client = Object.assign(new Driver(options), {
      processID: 1,
      secretKey: 2,
      release: () => undefined,
    });
    cancel(client, { pool, clock, onOver: () => void (given += 1) });
  };
  return { port, requests, clock, giveUp, givenBack: () => given };
}

test("its connection is given back in time, and the request stays until it is answered", async () => {
  const { clock, giveUp, givenBack, port, requests } = await openServer();
  giveUp();
  await until(() => requests.length === 1, { what: "the request" });
  clock.pass(WAITED_MS);
  expect(givenBack()).toBe(1);
  // Had it been closed, the server would know by the time it has another.
  await once(connect(port, "127.0.0.1").unref(), "connect");
  await until(() => requests.length === 2, { what: "the connection after it" });
  expect(requests[0]?.readableEnded).toBe(false);
});

test("a stream without a timer is closed in time all the same", async () => {
  const { clock, giveUp, givenBack, requests } = await openServer(OverWebSocket);
  giveUp();
  await until(() => requests.length === 1, { what: "the request" });
  clock.pass(WAITED_MS);
  expect(givenBack()).toBe(1);
  clock.pass(OPEN_MS);
  await until(() => requests[0]?.readableEnded === true, { what: "its end" });
});

test("no more than four of a pool are open at a time", async () => {
  const { giveUp, givenBack, requests } = await openServer();
  for (let count = 0; count < MOST; count += 1) giveUp();
  await until(() => requests.length === MOST, { what: "the requests" });
  expect(givenBack()).toBe(0);
  giveUp();
  expect(givenBack()).toBe(1);
  requests[0]?.end();
  await until(() => givenBack() === 2, { what: "the answer" });
  giveUp();
  await until(() => requests.length === MOST + 1, { what: "another request" });
});
