// Row: connections of a pool were forgotten on the way, which the first statement on each finds out.
// Row: an administrator ends every connection of a database, again and again.

import { connect, createServer, type Socket } from "node:net";
import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { freePort } from "../support/free-port.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until } from "../support/wait.ts";

const ROUNDS = 12;

test("onError is told once of all of it, in whatever context of the process, and no text is lost (G1, G7)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 5 });
  const told: string[] = [];
  const [producing, following] = ["producing", "following"].map((name) =>
    createPostgresResumableStreamContext({
      pool,
      waitUntil: null,
      onError: ({ code }) => told.push(`${name}: ${code}`),
    }),
  );
  if (!producing || !following) throw new Error("No contexts");
  onTestFinished(async () => {
    await Promise.all([producing.close(), following.close()]);
    await pool.end();
  });
  const source = manualSource();
  const reading = read(await producing.createNewResumableStream("s", source.makeStream));
  const follower = read(await following.resumeExistingStream("s"));
  let text = "";
  for (let round = 0; round < ROUNDS; round++) {
    source.push(`${round} `);
    text += `${round} `;
    await follower.reached(text.length);
    await until(() => pool.idleCount > 0, { what: "an idle connection" });
    await database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
  }
  source.end();
  for (const each of [reading, follower]) await expectClosed(each, text);
  expect(told).toEqual([expect.stringMatching(/: TRANSPORT_UNAVAILABLE$/)]);
});

test("connections that are reset at their next statement cost no caller its answer (G2, G16)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const open = new Set<Socket>();
  const forgotten = new WeakSet<Socket>();
  const url = new URL(database.url);
  const serverPort = Number(url.port);
  const proxy = createServer((client) => {
    const server = connect(serverPort, "127.0.0.1");
    open.add(client);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("data", (data) => {
        if (forgotten.has(client)) return client.resetAndDestroy();
        to.write(data);
      });
      from.on("error", () => undefined).on("close", () => to.destroy());
    }
  });
  const port = await freePort();
  await new Promise<void>((resolve) => proxy.listen(port, "127.0.0.1", resolve));
  const pool = new Pool({
    connectionString: Object.assign(url, { hostname: "127.0.0.1", port }).href,
    max: 5,
  });
  const listenerPool = new Pool({ connectionString: database.url, max: 1 });
  const context = createPostgresResumableStreamContext({
    pool,
    listenerPool,
    waitUntil: null,
    whenUnavailable: "throw",
    onError: () => undefined,
  });
  onTestFinished(async () => {
    await context.close();
    await Promise.all([pool.end(), listenerPool.end()]);
    proxy.close();
  });
  const source = manualSource();
  const calls = [
    () => context.createNewResumableStream("s", source.makeStream),
    () => context.hasExistingStream("s"),
    () => context.resumeExistingStream("s"),
    () => context.stopStream("s"),
  ];
  for (const call of calls) {
    const clients = await Promise.all([1, 2, 3].map(() => pool.connect()));
    for (const client of clients) client.release();
    for (const socket of open) forgotten.add(socket);
    expect(await call()).toBeTruthy();
  }
});
