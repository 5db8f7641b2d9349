// Things that are no pool.

import { Client } from "pg";
import { expect, test } from "vitest";
import { createPostgresResumableStreamContext } from "../../../src/postgres.ts";

test("a single client is refused: it has a pool's methods, and lends nothing", () => {
  const pool = new Client() as never;
  expect(() => createPostgresResumableStreamContext({ pool, waitUntil: null })).toThrow("make a Pool");
});
