// Streams that ended, and that no `onEnd` has taken: still owed to an app. Elected like a server.

import type { OnEnd } from "../../api/on-end.ts";
import { Handovers } from "../../transports/log/handovers.ts";
import type { LogParts } from "../../transports/log/parts.ts";
import type { Target } from "../target.ts";
import { openPostgresOwed } from "./postgres-owed.ts";
import { openRedisOwed } from "./redis-owed.ts";
import type { StoreOptions, StreamFacts } from "./store.ts";
import { type Outcome, Taking } from "./taking.ts";

export interface OwedStream {
  key: string;
  epoch: number;
  isSuperseded: boolean;
  /** Whether the store holds its id; if not, what stands for it. */
  isNamed: boolean;
  facts: StreamFacts;
}

export interface OwedStreams {
  /** All under the prefix. */
  list: () => AsyncGenerator<OwedStream>;
  handOver: (owed: OwedStream) => Promise<Outcome>;
  close: () => Promise<void>;
}

/** Either kind of store, as the command needs it. */
export interface OwedStore {
  log: LogParts;
  list: () => AsyncGenerator<OwedStream>;
  /** Has a text that an app failed to take as often as it is tried be tried once more. */
  oweAgain: (owed: OwedStream) => Promise<void>;
  close: () => Promise<void>;
}

/** @param onEnd - absent if nothing is handed over. */
export async function openOwedStreams(
  { kind, url }: Target,
  options: Omit<StoreOptions, "url">,
  onEnd: OnEnd | undefined,
): Promise<OwedStreams> {
  const open = kind === "redis" ? openRedisOwed : openPostgresOwed;
  const store = await open({ ...options, url });
  const taking = new Taking(onEnd);
  const { log } = store;
  const handovers = new Handovers({ ...log, handOver: taking }, (key) => log.store.tellMoved(key));
  return {
    list: () => store.list(),
    handOver: (owed) => handOver(owed, { store, handovers, taking }),
    close: async () => {
      await handovers.close();
      await store.close();
    },
  };
}

async function handOver(
  owed: OwedStream,
  { store, handovers, taking }: { store: OwedStore; handovers: Handovers; taking: Taking },
): Promise<Outcome> {
  const { key, epoch, isNamed, isSuperseded, facts } = owed;
  if (facts["handOver"] === "running") return { status: "elsewhere" };
  if (!isNamed) {
    return { status: "failed", why: "its whole id isn't in the database, and only its app knows it" };
  }
  const stream = { key, streamId: facts.streamId };
  if (facts["handOver"] === "given-up") await store.oweAgain(owed);
  await (isSuperseded ? handovers.takeOwed(stream, epoch) : handovers.take(stream));
  return taking.result();
}
