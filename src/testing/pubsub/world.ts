// Contexts over a pub/sub: as they are, and over lines that a test can cut.

import { createRelayContext } from "../../contexts/relay.ts";
import type { CommonOptions } from "../../api/common-options.ts";
import type { ResumableStreamContext } from "../../api/types.ts";
import { connect } from "../../contexts/pubsub-clients.ts";
import { type ContractFactory, freshKeyPrefix } from "../contract.ts";
import { Dice } from "../dice.ts";
import { BADLY } from "../mistreat.ts";
import { type FaultyWorld, Processes } from "../processes.ts";
import type { Opened } from "../runner.ts";
import { createLine } from "./line.ts";
import { plainPair, type PubSubFactory, type PubSubPair } from "./pair.ts";

/** The promises of contexts, over this pub/sub. */
export function contractOver(factory: PubSubFactory): ContractFactory {
  return async () => {
    const backend = await factory();
    const keyPrefix = freshKeyPrefix();
    return {
      createContext: async (options) =>
        createContext({ keyPrefix, ...options }, plainPair(await backend.createPair())),
      dispose: async () => backend.dispose(),
    };
  };
}

export async function openPubSubWorld(factory: PubSubFactory, seed: number): Promise<Opened<FaultyWorld>> {
  const backend = await factory();
  const keyPrefix = freshKeyPrefix();
  const processes = new Processes();
  let lines = 0;
  return {
    subject: {
      seed,
      keepsText: false,
      createProcess: async (delivery = "well") => {
        const dice = new Dice(seed, lines++);
        const pair = plainPair(await backend.createPair());
        const line = createLine(pair, delivery === "badly" ? { ...BADLY, dice } : undefined);
        return processes.add(delivery, (options) => ({
          ...line,
          context: createContext({ ...options, keyPrefix }, line.pair),
        }));
      },
    },
    close: async () => {
      await processes.close();
      await backend.dispose();
    },
  };
}

function createContext(
  options: CommonOptions,
  { publisher, subscriber }: PubSubPair,
): ResumableStreamContext {
  return createRelayContext(options, () => connect({ publisher, subscriber }));
}
