// The published resumable-stream, 2.2.13.

import { createResumableStreamContext } from "published-resumable-stream/redis";
import type { Peer } from "./peer.ts";

export const peer: Peer = {
  name: "published",
  createContext: (options) =>
    createResumableStreamContext({
      // With null it awaits nothing, and a failed promise of its own would end the process.
      waitUntil: (promise) => void promise.catch(() => undefined),
      ...options,
    }),
};
