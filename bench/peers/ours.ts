// This library, as it is built: what a user's process runs.

import type * as redisEntry from "../../src/redis.ts";
import type { Peer } from "./peer.ts";

const built: string = new URL("../../dist/redis.js", import.meta.url).href;
// Typed by the source that dist is made of, so that types are checked where nothing was built yet.
const { createResumableStreamContext } = (await import(built)) as typeof redisEntry;

const told = new Set<string>();

/** One of each kind: what befalls 10,000 streams at once is one thing to know. */
const onError = ({ code, message }: redisEntry.ResumableStreamError): void => {
  if (told.has(code)) return;
  told.add(code);
  console.error(message);
};

export const peer: Peer = {
  name: "ours",
  createContext: (options) => createResumableStreamContext({ waitUntil: null, onError, ...options }),
};

export const kept: Peer = {
  name: "kept",
  createContext: (options) =>
    createResumableStreamContext({ waitUntil: null, onError, ...options, keepText: true, replay: true }),
};
