// The contract over an embedded Postgres, whose contexts share one instance as processes share a server.

import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, test } from "vitest";
import { createPgliteResumableStreamContext } from "../../src/pglite.ts";
import { describeContexts } from "../../src/testing/contexts.ts";
import { freshKeyPrefix } from "../../src/testing/contract.ts";

let pglite: PGlite;

beforeAll(async () => {
  pglite = await PGlite.create();
});

afterAll(async () => {
  await pglite.close();
});

describeContexts(
  "pglite",
  async () => {
    const keyPrefix = freshKeyPrefix();
    return {
      keepsText: true,
      createContext: async (options) => createPgliteResumableStreamContext({ keyPrefix, ...options, pglite }),
      dispose: async () => undefined,
    };
  },
  { describe: describe.concurrent, test },
);
