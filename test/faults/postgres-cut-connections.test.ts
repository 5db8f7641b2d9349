// Row: connections of a pool were forgotten on the way, which the first statement on each finds out.
// Row: a connection breaks once its statement ran, and before its answer came.
// Row: a server that was thought dead runs a statement that was sent again since.
// Row: an administrator ends every connection of a database, again and again.

import { connect, createServer, type Socket } from "node:net";
import { Pool, type PoolClient, type QueryConfig } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { freePort } from "../support/free-port.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { TcpProxy } from "../support/proxy.ts";
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
    () => context.resumableStream("t", source.makeStream),
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

/** A context that calls over a pool in trouble, and one that produces over another. */
function openBoth(far: Pool, near: Pool) {
  const ended: [end: string, text: string | undefined][] = [];
  const [calling, producing] = [far, near].map((pool) =>
    createPostgresResumableStreamContext({
      pool,
      listenerPool: near,
      waitUntil: null,
      whenUnavailable: "throw",
      onError: () => undefined,
      onEnd: ({ end, text }) => void ended.push([end, text]),
    }),
  ) as [DurableStreamContext, DurableStreamContext];
  onTestFinished(async () => {
    await Promise.all([calling.close(), producing.close()]);
    await Promise.all([far.end(), near.end()]);
  });
  return { calling, producing, ended };
}

test("an answer that is lost once its statement ran is given again, and no text is owed twice (G7, G15)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const url = new URL(database.url);
  await using proxy = await TcpProxy.start(Number(url.port));
  Object.assign(url, { hostname: "127.0.0.1", port: proxy.port });
  const [far, near] = [url.href, database.url].map(
    (connectionString) => new Pool({ connectionString, max: 5 }),
  ) as [Pool, Pool];
  const { calling, producing, ended } = openBoth(far, near);
  const losing = async <T>(call: () => Promise<T>, effect: string): Promise<T> => {
    await calling.hasExistingStream("other");
    proxy.blackHole("answers");
    const answer = call();
    const rows = (): Promise<unknown[]> => database.query(`select from rs_stream_sessions where ${effect}`);
    await until(async () => (await rows()).length > 0, { what: "the effect" });
    proxy.forget();
    proxy.reset();
    return answer;
  };
  const [free, anew, stopped] = [manualSource(), manualSource(), manualSource()];
  await losing(() => calling.resumableStream("free", free.makeStream), "stream_id like '%free'");
  expect(free.calls()).toBe(1);
  await losing(() => calling.createNewResumableStream("anew", anew.makeStream), "stream_id like '%anew'");
  expect(await database.query("select from rs_stream_sessions where owed_epochs is not null")).toEqual([]);

  await producing.createNewResumableStream("stopped", stopped.makeStream);
  const pushing = setInterval(() => stopped.push("text "), 10);
  onTestFinished(() => clearInterval(pushing));
  expect(await losing(() => calling.stopStream("stopped"), "status = 'stopped'")).toBe(true);
  expect(await calling.stopStream("stopped")).toBe(false);
  expect(ended.map(([end]) => end)).toEqual(["stopped"]);
});

test("a claim that is sent again owes what another process says under the id meanwhile (G15)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const [far, near] = [1, 2].map(() => new Pool({ connectionString: database.url, max: 5 })) as [Pool, Pool];
  const { calling, producing, ended } = openBoth(far, near);
  const [older, newer] = [manualSource(), manualSource()];
  await producing.createNewResumableStream("s", older.makeStream);
  older.push("older");
  far.once("acquire", (client: PoolClient & { connection?: { stream: Socket } }) => {
    client.connection?.stream.destroy();
  });
  await calling.createNewResumableStream("s", newer.makeStream);
  newer.push("newer");
  newer.end();
  await until(() => ended.length === 2, { what: "both ends" });
  expect(ended).toContainEqual(["lost", "older"]);
});

test("a claim that runs again once its text is written, or has ended, changes nothing (G1, G5)", async () => {
  await using database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const pool = new Pool({ connectionString: database.url, max: 5 });
  const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
  onTestFinished(() => context.close().then(() => pool.end()));
  const sent: QueryConfig[] = [];
  pool.once("acquire", (client: PoolClient) => {
    const query = client.query.bind(client) as (query: QueryConfig) => unknown;
    Object.assign(client, {
      query: (each: QueryConfig) => {
        sent.push(each);
        return query(each);
      },
    });
  });
  const source = manualSource();
  const reading = read(await context.createNewResumableStream("s", source.makeStream));
  const [claim] = sent;
  if (!claim) throw new Error("No claim");
  const again = (): Promise<unknown[]> => database.query(claim.text, claim.values);
  const row = () => database.query("select epoch, last_offset from rs_stream_sessions");
  const [before] = await row();
  expect(await again()).toMatchObject([{ epoch: before?.["epoch"] }]);
  source.push("text");
  await until(async () => (await database.query("select from rs_stream_chunks")).length > 0, {
    what: "text",
  });
  const written = await row();
  expect(await again()).toEqual([]);
  expect(await row()).toEqual(written);
  source.end();
  await expectClosed(reading, "text");
  expect(await again()).toEqual([]);
  expect(await context.hasExistingStream("s")).toBe("DONE");
  // As one that was found dead before it wrote anything.
  await database.query("update rs_stream_sessions set status = 'failed', updated_at = created_at");
  expect(await again()).toEqual([]);
});
