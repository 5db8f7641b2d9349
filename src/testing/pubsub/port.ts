// One test's use of a pub/sub: pairs of it, and names that no other test has.

import { freshId } from "../contract.ts";
import { plainPair, type PubSubFactory, type PubSubPair } from "./pair.ts";
import type { Opened } from "../runner.ts";

export interface PubSubPort {
  createPair: () => Promise<PubSubPair>;
  /** A key or a channel of this test alone. */
  name: (what: string) => string;
  /** Where this test's chance starts. */
  seed: number;
}

export async function openPubSubPort(factory: PubSubFactory, seed: number): Promise<Opened<PubSubPort>> {
  const backend = await factory();
  const prefix = crypto.randomUUID();
  return {
    subject: {
      createPair: async () => plainPair(await backend.createPair()),
      name: (what) => `${prefix}:${freshId(what)}`,
      seed,
    },
    close: async () => backend.dispose(),
  };
}
