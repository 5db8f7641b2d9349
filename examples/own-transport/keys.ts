import { JetStreamApiCodes, JetStreamApiError, jetstream } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import type { PubSubPair } from "resumable-stream/testing";
import { decodeText, encodeName } from "./encoding.ts";
import { type Held, Steps, type Store } from "./steps.ts";

export type Keys = Omit<PubSubPair["publisher"], "publish">;

/** Shorter than the library's own deadline of two seconds, so that it hears why. */
const REQUEST_TIMEOUT_MS = 1_500;
/** Longer than any key lives: twice the library's default `retentionSeconds`. */
const BUCKET_LIFE_MS = 2 * 86_400 * 1_000;

/** Keys are entries of a JetStream bucket, which every process shares. */
export async function openKeys(connection: NatsConnection): Promise<Keys> {
  const steps = new Steps(storeIn(await openBucket(connection)));
  return {
    get: (key) => steps.run(key, (cell) => cell.held?.value ?? null),

    set: (key, value, options) =>
      steps.run(key, (cell) => {
        const expiresAt = options?.EX === undefined ? Infinity : Date.now() + options.EX * 1_000;
        cell.held = { value, expiresAt };
      }),

    incr: (key) =>
      steps.run(key, (cell) => {
        const { value, expiresAt } = cell.held ?? { value: "0", expiresAt: Infinity };
        if (!/^-?\d+$/.test(value)) throw new Error("The value is not an integer.");
        const sum = Number(value) + 1;
        cell.held = { value: String(sum), expiresAt };
        return sum;
      }),
  };
}

async function openBucket(connection: NatsConnection): Promise<KV> {
  const manager = new Kvm(jetstream(connection, { timeout: REQUEST_TIMEOUT_MS }));
  // Direct reads may be answered by a replica that is behind.
  const create = (): Promise<KV> =>
    manager.create("resumable-stream", { ttl: BUCKET_LIFE_MS, allow_direct: false });
  // A process that starts at the same moment may create it first: then the second try finds it.
  return create().catch(create);
}

function storeIn(bucket: KV): Store {
  return {
    read: async (key) => {
      const entry = await bucket.get(encodeName(key));
      if (!entry) return { held: undefined, revision: 0 };
      return { held: parse(decodeText(entry.value)), revision: entry.revision };
    },

    write: async (key, held, revision) => {
      try {
        await bucket.put(encodeName(key), format(held), { previousSeq: revision });
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        throw error;
      }
    },
  };
}

function isConflict(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false;
  const { StreamWrongLastSequence, StreamWrongLastSequenceUnknown } = JetStreamApiCodes;
  return error.code === StreamWrongLastSequence || error.code === StreamWrongLastSequenceUnknown;
}

/** The expiry goes with the value: only newer servers let a single key expire. */
function format({ value, expiresAt }: Held): string {
  return `${expiresAt} ${value}`;
}

/** An entry that somebody has deleted is an empty one, and counts as expired. */
function parse(text: string): Held | undefined {
  const space = text.indexOf(" ");
  const expiresAt = Number(text.slice(0, space));
  return expiresAt > Date.now() ? { value: text.slice(space + 1), expiresAt } : undefined;
}
