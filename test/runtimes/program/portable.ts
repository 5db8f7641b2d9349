// The suites that need nothing of a runtime but the web's standards. They use the package by its name.

import { createResumableStreamContext as createGeneric } from "resumable-stream/generic";
import { createResumableStreamContext as createMemory } from "resumable-stream/memory";
import { describeContexts, type Runner } from "resumable-stream/testing";
import { createPubSub } from "./pub-sub.ts";

export function describeMemory(runner: Runner): void {
  describeContexts(
    "memory",
    async () => {
      const keyPrefix = `runtimes-${crypto.randomUUID()}`;
      return {
        createContext: async (options) => createMemory({ keyPrefix, ...options }),
        dispose: async () => undefined,
      };
    },
    runner,
  );
}

export function describeGeneric(runner: Runner): void {
  describeContexts(
    "generic",
    async () => {
      const createPair = createPubSub();
      return {
        createContext: async (options) => createGeneric({ ...options, ...createPair() }),
        dispose: async () => undefined,
      };
    },
    runner,
  );
}
