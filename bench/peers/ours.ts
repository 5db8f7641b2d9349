// This library, as it is built: what a user's process runs.

import type * as redisEntry from "../../src/redis.ts";
import type { Peer } from "./peer.ts";

const built: string = new URL("../../dist/redis.js", import.meta.url).href;
// Typed by the source that dist is made of, so that types are checked where nothing was built yet.
const { createResumableStreamContext } = (await import(built)) as typeof redisEntry;

export const peer: Peer = {
  name: "ours",
  createContext: (options) => createResumableStreamContext({ waitUntil: null, ...options }),
};

export const kept: Peer = {
  name: "kept",
  createContext: (options) =>
    createResumableStreamContext({ waitUntil: null, ...options, keepText: true, replay: true }),
};
