// The contract over an embedded Postgres, whose contexts share one instance as processes share a server.

import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll } from "vitest";
import { createPgliteResumableStreamContext } from "../../src/pglite.ts";
import { freshKeyPrefix } from "./redis-backend.ts";
import { describeTransport } from "./transport.ts";

let pglite: PGlite;

beforeAll(async () => {
  pglite = await PGlite.create();
});

afterAll(async () => {
  await pglite.close();
});

describeTransport("pglite", async () => {
  const keyPrefix = freshKeyPrefix();
  return {
    keepsText: true,
    createContext: async (options) => createPgliteResumableStreamContext({ keyPrefix, ...options, pglite }),
    dispose: async () => undefined,
  };
});
