// A row: how one thing is measured of one library, and the lines of the table that come of it.

import type { RedisServer } from "../../test/support/redis-server.ts";
import type { TcpProxy } from "../../test/support/proxy.ts";
import { Child } from "../lib/calls.ts";
import type { Followers } from "../followers.ts";
import type { PeerName } from "../peers/peer.ts";
import type { Producer } from "../producer.ts";

export interface Setting {
  redis: RedisServer;
  /** The same Redis, far away. */
  proxy: TcpProxy;
}

/** Values of one round, by the key of a line. */
export type Sample = Record<string, number>;

export interface Measurement extends AsyncDisposable {
  /** One round. Called once more before the first that counts. */
  measure: (round: number) => Promise<Sample>;
}

export interface Values {
  ours: number;
  published: number;
  /** The source read directly, where that is a floor. */
  bare?: number;
}

export interface Line {
  key: string;
  label: string;
  show: (value: number) => string;
  /** As design numbers name it. */
  target: string;
  isReached: (values: Values) => boolean;
}

export interface Row {
  name: string;
  rounds: number;
  lines: Line[];
  open: (peer: PeerName, setting: Setting) => Promise<Measurement>;
  /** The source alone, measured in the same rounds. */
  openBare?: (setting: Setting) => Promise<Measurement>;
}

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
  { producerUrl, followersUrl }: { producerUrl: string; followersUrl: string },
): Promise<ProcessPair> {
  const [producer, followers] = await Promise.all([
    Child.start<Producer>("producer.ts"),
    Child.start<Followers>("followers.ts"),
  ]);
  const pair = { producer, followers, [Symbol.asyncDispose]: () => endAll(producer, followers) };
  await orEnd(pair, producer.call("open", { peer, url: producerUrl }));
  await orEnd(pair, followers.call("open", { peer, url: followersUrl }));
  return pair;
}

export async function startProducer(peer: PeerName, url: string, flags?: string[]): Promise<Child<Producer>> {
  const producer = await Child.start<Producer>("producer.ts", flags);
  await orEnd(producer, producer.call("open", { peer, url }));
  return producer;
}

async function endAll(...children: AsyncDisposable[]): Promise<void> {
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

export const asIs =
  (digits: number) =>
  (value: number): string =>
    value.toFixed(digits);
export const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
export const perSecond = (value: number): string => `${Math.round(value / 100) / 10}k/s`;
export const kilobytes = (value: number): string => `${Math.round(value / 1024)} KB`;
