// The contract inside one process, where contexts of one key prefix see the same streams.

import { describe, test } from "vitest";
import { createResumableStreamContext } from "../../src/memory.ts";
import { describeContexts } from "../../src/testing/contexts.ts";
import { freshKeyPrefix } from "../../src/testing/contract.ts";

describeContexts(
  "memory",
  async () => {
    const keyPrefix = freshKeyPrefix();
    return {
      createContext: async (options) => createResumableStreamContext({ keyPrefix, ...options }),
      dispose: async () => undefined,
    };
  },
  { describe: describe.concurrent, test },
);
