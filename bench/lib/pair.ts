// The child processes that rows over Redis are measured in.

import type { Followers } from "../followers.ts";
import type { PeerName } from "../peers/peer.ts";
import type { Producer } from "../producer.ts";
import { Child } from "./calls.ts";
import type { Row } from "./row.ts";

let ids = 0;

export function freshId(): string {
  ids += 1;
  return `stream-${ids}`;
}

export interface ProcessPair extends AsyncDisposable {
  producer: Child<Producer>;
  followers: Child<Followers>;
}

/** A producer and followers, in processes of their own. */
export async function startPair(
  peer: PeerName,
  {
    producerUrl,
    followersUrl,
    flags = [],
  }: { producerUrl: string; followersUrl: string; flags?: readonly string[] },
): Promise<ProcessPair> {
  const [producer, followers] = await Promise.all([
    Child.start<Producer>("producer.ts", flags),
    Child.start<Followers>("followers.ts", flags),
  ]);
  const pair = { producer, followers, [Symbol.asyncDispose]: () => endAll(producer, followers) };
  await orEnd(pair, producer.call("open", { peer, url: producerUrl }));
  await orEnd(pair, followers.call("open", { peer, url: followersUrl }));
  return pair;
}

export async function startProducer(
  peer: PeerName,
  url: string,
  flags: readonly string[] = [],
): Promise<Child<Producer>> {
  const producer = await Child.start<Producer>("producer.ts", flags);
  await orEnd(producer, producer.call("open", { peer, url }));
  return producer;
}

/** Both libraries, measured in the same way. */
export function peers<Setting>(
  open: (
    peer: "ours" | "published",
    setting: Setting,
  ) => ReturnType<NonNullable<Row<Setting>["contenders"]["ours"]>>,
): Pick<Row<Setting>["contenders"], "ours" | "published"> {
  return {
    published: (setting) => open("published", setting),
    ours: (setting) => open("ours", setting),
  };
}

export async function endAll(...children: AsyncDisposable[]): Promise<void> {
  await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
}

/** A process that couldn't be made ready would keep the run from ending. */
async function orEnd(children: AsyncDisposable, ready: Promise<void>): Promise<void> {
  try {
    await ready;
  } catch (error) {
    await children[Symbol.asyncDispose]();
    throw error;
  }
}
