// Contexts over one Redis, each with clients of its own.

import { type EventEmitter, once } from "node:events";
import type { CommonOptions } from "../../src/api/common-options.ts";
import type { DurableStreamContext, ResumableStreamContext } from "../../src/api/types.ts";
import type { CreateResumableStreamContextOptions } from "../../src/contexts/redis-options.ts";
import { freshKeyPrefix, type ContractBackend } from "../../src/testing/contract.ts";
import { createClients, type ClientKind, type ClusterClientKind } from "../support/clients.ts";

type AnyContext = ResumableStreamContext | DurableStreamContext;

export type CreateContext = (options: CreateResumableStreamContextOptions) => AnyContext;

export interface RedisBackendOptions {
  url: string;
  clients: ClientKind | ClusterClientKind;
  createContext: CreateContext;
  /** `connected`: before the library sees them. `fresh`: connecting them, or waiting for it, is the library's. */
  state: "connected" | "fresh";
}

export function redisBackend({ url, clients, createContext, state }: RedisBackendOptions): ContractBackend {
  const keyPrefix = freshKeyPrefix();
  const closers: (() => void)[] = [];
  return {
    async createContext(options: CommonOptions) {
      const { publisher, subscriber, close } = await createClients(clients, url);
      closers.push(close);
      // One client may be both.
      if (state === "connected") await Promise.all([...new Set([publisher, subscriber])].map(connect));
      return createContext({ keyPrefix, ...options, publisher, subscriber });
    },
    async dispose() {
      for (const close of closers) close();
    },
  };
}

export interface KeepingBackendOptions extends Omit<RedisBackendOptions, "createContext" | "state"> {
  createContext: (options: CreateResumableStreamContextOptions & { keepText: true }) => AnyContext;
}

/** Contexts that keep the text, over clients that are connected. */
export function keepingBackend({ createContext, ...options }: KeepingBackendOptions): ContractBackend {
  const keeping: CreateContext = (given) => createContext({ ...given, keepText: true });
  return { ...redisBackend({ ...options, createContext: keeping, state: "connected" }), keepsText: true };
}

/** A node-redis client connects when told, an ioredis one from the moment it is made. */
async function connect(client: object): Promise<void> {
  if (isIoredis(client)) {
    if (client.status !== "ready") await once(client, "ready");
  } else if (isConnectable(client)) await client.connect();
}

/** By its methods: ioredis mixes those of EventEmitter in without its class. */
function isIoredis(client: object): client is EventEmitter & { status: string } {
  return "defineCommand" in client && "status" in client && "once" in client;
}

function isConnectable(client: object): client is { connect: () => Promise<unknown> } {
  return "connect" in client && typeof client.connect === "function";
}
