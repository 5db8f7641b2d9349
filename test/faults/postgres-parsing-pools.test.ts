// Row: an app has its pool make something of its own of what the server answers. What is read here is what the server wrote.

import { Pool, type PoolConfig, type QueryConfig } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import {
  createPostgresResumableStreamContext,
  type DurableStreamContext,
  type PostgresPool,
} from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";

/** An app's parser for each type there is. */
function parsing(parse: (value: string) => unknown): PoolConfig {
  return { types: { getTypeParser: () => parse } };
}

/** A pool of another make, which knows nothing of our queries' own parsers. */
function ofAnotherMake(pool: Pool): PostgresPool {
  return {
    query: (text, values) => pool.query(text, values),
    on: (event, listener) => pool.on(event as "error", listener),
    connect: async () => {
      const client = await pool.connect();
      return {
        query: (text, values) => client.query(text, values),
        release: (destroy) => client.release(destroy),
        on: (event, listener) => client.on(event as "error", listener),
        removeListener: (event, listener) => client.removeListener(event, listener),
      };
    },
  };
}

/** A pool over a pooler: no backend knows a statement that was prepared before. */
function unprepared(pool: Pool): Pool {
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const refuse = (): Promise<never> =>
      Promise.reject(Object.assign(new Error("unknown"), { code: "26000" }));
    Object.assign(client, {
      query: (asked: QueryConfig | string, ...rest: unknown[]) =>
        typeof asked === "object" && asked.name ? refuse() : query(asked, ...rest),
    });
  });
  return pool;
}

test.each([
  { what: "objects of everything", config: parsing((value) => ({ value })), wrap: (pool: Pool) => pool },
  { what: "objects of everything, over a pooler", config: parsing((value) => ({ value })), wrap: unprepared },
  { what: "text of everything, in another way", config: parsing((value) => value), wrap: ofAnotherMake },
])(
  "a pool that makes $what: whole texts, stops that are heard, and the truth about ends",
  async ({ config, wrap }) => {
    await using database = await createDatabase(inject("postgresUrl"));
    await setUpTables(database.url);
    const errors: unknown[] = [];
    const open = (): DurableStreamContext => {
      const pool = new Pool({ connectionString: database.url, ...config });
      const onError = (error: unknown): unknown => errors.push(error);
      const context = createPostgresResumableStreamContext({ pool: wrap(pool), waitUntil: null, onError });
      onTestFinished(() => context.close().then(() => pool.end()));
      return context;
    };
    const [producing, following] = [open(), open()];
    const [ending, stopped] = [manualSource(), manualSource()];
    const own = read(await producing.resumableStream("ends", ending.makeStream));
    await producing.resumableStream("is stopped", stopped.makeStream);
    const reading = read(await following.resumeExistingStream("ends"));
    ending.push("a text\0\ud800");
    await reading.reached(8);
    expect(await following.hasExistingStream("ends")).toBe(true);
    expect(await following.stopStream("is stopped")).toBe(true);
    ending.end();
    for (const each of [own, reading]) await expectClosed(each, "a text\0\ud800");
    expect(await following.hasExistingStream("ends")).toBe("DONE");
    expect(errors).toEqual([]);
  },
);
