// A pub/sub for resumable-stream/generic over NATS: core messages, and a JetStream key-value bucket for the keys.

import { createHash } from "node:crypto";
import { setTimeout as pass } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import type { PubSubPair } from "resumable-stream/testing";
import { Keys, type Step } from "./keys.ts";

export interface NatsOptions {
  /** Where the server is, as `nats://host:port`. */
  url: string;
  /** Goes before every subject, and names the bucket. @defaultValue "resumable-stream" */
  name?: string;
  /** How long the bucket keeps a key that nobody writes; no key may live longer. @defaultValue 172800 (48 h) */
  maxAgeSeconds?: number;
}

export interface NatsPair extends PubSubPair {
  close: () => Promise<void>;
}

/** A process' connection. Its subscriptions survive a lost connection, however long the server is away. */
export async function connectNats({
  url,
  name = "resumable-stream",
  maxAgeSeconds = 48 * 3600,
}: NatsOptions): Promise<NatsPair> {
  // The client's default gives up for good after ten attempts.
  const connection = await connect({ servers: url, maxReconnectAttempts: -1 });
  try {
    return {
      publisher: await createPublisher(connection, { name, maxAgeSeconds }),
      subscriber: createSubscriber(connection, name),
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function createPublisher(
  connection: NatsConnection,
  { name, maxAgeSeconds }: { name: string; maxAgeSeconds: number },
): Promise<PubSubPair["publisher"]> {
  const keys = new Keys(await openBucket(new Kvm(connection), { name, maxAgeSeconds }));
  return {
    // NATS doesn't say how many received it. The round trip says that it is out, and rejects where the connection broke.
    publish: async (channel, message) => {
      connection.publish(`${name}.${token(channel)}`, message);
      await connection.flush();
    },
    set: async (key, value, options) => {
      const seconds = options?.EX;
      if (seconds !== undefined && seconds > maxAgeSeconds)
        throw new RangeError(`EX is ${seconds}, and the bucket keeps keys for ${maxAgeSeconds} s.`);
      const expiresAt = seconds === undefined ? null : Date.now() + seconds * 1000;
      await keys.run(token(key), () => ({ stored: { value, expiresAt }, result: undefined }));
    },
    get: (key) => keys.run(token(key), (stored) => ({ stored, result: stored?.value ?? null })),
    incr: (key) => keys.run(token(key), addOne),
  };
}

/** One that is there is used as it is. */
async function openBucket(
  buckets: Kvm,
  { name, maxAgeSeconds }: { name: string; maxAgeSeconds: number },
): Promise<KV> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      // Direct reads are answered by any replica, also by one that has not seen the last write.
      return await buckets.create(name, { ttl: maxAgeSeconds * 1000, allow_direct: false });
    } catch (error) {
      // Of several processes that make it at once, one may be refused, and finds it a moment later.
      if (!(error instanceof JetStreamApiError) || attempt === 5) throw error;
      await pass(100);
    }
  }
}

const addOne: Step<number> = (stored = { value: "0", expiresAt: null }) => {
  if (!/^-?\d+$/.test(stored.value)) throw new Error("The value is not an integer.");
  const result = Number(stored.value) + 1;
  return { stored: { ...stored, value: String(result) }, result };
};

function createSubscriber(connection: NatsConnection, name: string): PubSubPair["subscriber"] {
  const subscriptions = new Map<string, Subscription>();
  // The client's own decoder drops a byte order mark at the start.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return {
    subscribe: async (channel, callback) => {
      subscriptions.get(channel)?.unsubscribe();
      const subscription = connection.subscribe(`${name}.${token(channel)}`, {
        callback: (error, message) => {
          if (!error) callback(decoder.decode(message.data));
        },
      });
      subscriptions.set(channel, subscription);
      // The server answers this after it has the subscription, and not before.
      await connection.flush();
    },
    unsubscribe: async (channel) => {
      subscriptions.get(channel)?.unsubscribe();
      subscriptions.delete(channel);
      await connection.flush();
    },
  };
}

/** Names hold any character and have any length; a token holds letters, digits, "-" and "_", and 4 KiB at most. */
function token(name: string): string {
  return createHash("sha256").update(name, "utf16le").digest("base64url");
}
