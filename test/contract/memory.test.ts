// The contract inside one process, where contexts of one key prefix see the same streams.

import { createResumableStreamContext } from "../../src/memory.ts";
import { freshKeyPrefix } from "./redis-backend.ts";
import { describeTransport } from "./transport.ts";

describeTransport("memory", async () => {
  const keyPrefix = freshKeyPrefix();
  return {
    createContext: async (options) => createResumableStreamContext({ keyPrefix, ...options }),
    dispose: async () => undefined,
  };
});
