// What the two libraries have in common: a context with the same calls, over clients of the same kind.

import type { Client } from "./client.ts";

export interface PeerContext {
  resumableStream: (
    id: string,
    makeStream: () => ReadableStream<string>,
  ) => Promise<ReadableStream<string> | null>;
  createNewResumableStream: (
    id: string,
    makeStream: () => ReadableStream<string>,
  ) => Promise<ReadableStream<string> | null>;
  resumeExistingStream: (
    id: string,
    skipCharacters?: number,
  ) => Promise<ReadableStream<string> | null | undefined>;
}

export interface Clients {
  publisher: Client;
  subscriber: Client;
}

export interface Peer {
  name: PeerName;
  /** Without clients it makes its own, of `REDIS_URL`. */
  createContext: (options: Partial<Clients> & { keyPrefix: string }) => PeerContext;
}

/** `kept`: this library, over a Redis that keeps the text. */
export type PeerName = "ours" | "kept" | "published";
