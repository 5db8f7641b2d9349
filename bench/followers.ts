// A child process that follows, and measures what a follower sees.

import { serve } from "./lib/calls.ts";
import { drain } from "./lib/drain.ts";
import { nowMicros, STAMP_LENGTH } from "./lib/source.ts";
import { median } from "./lib/statistics.ts";
import { connectedClient } from "./peers/client.ts";
import { openPeer, type OpenPeer } from "./peers/load.ts";
import type { PeerName } from "./peers/peer.ts";

let opened: { peer: PeerName; url: string; library: OpenPeer } | undefined;
/** Followers by stream. */
const attached = new Map<string, { readings: Promise<number>[]; latenciesMs: number[] }>();

const handlers = {
  async open({ peer, url }: { peer: PeerName; url: string }): Promise<void> {
    opened = { peer, url, library: await openPeer(peer, url) };
  },

  async pingMs(): Promise<number> {
    const took: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const start = performance.now();
      await library().publisher.ping();
      took.push(performance.now() - start);
    }
    return median(took);
  },

  /** Followers of one stream; resolves once they are attached. */
  async attach({
    id,
    count,
    records,
  }: {
    id: string;
    count: number;
    records: "units" | "latencies";
  }): Promise<void> {
    const streams = await Promise.all(Array.from({ length: count }, () => follow(library(), id)));
    const latenciesMs: number[] = [];
    const onText = records === "latencies" ? () => stampReader(latenciesMs) : () => undefined;
    attached.set(id, { readings: streams.map((stream) => drain(stream, onText())), latenciesMs });
  },

  /** Waits for the last of them to end; `endedAt` is on the clock of `nowMicros`. */
  async ended({
    id,
    units,
  }: {
    id: string;
    units: number;
  }): Promise<{ endedAt: number; latenciesMs: number[] }> {
    const { readings, latenciesMs } = attached.get(id) ?? { readings: [], latenciesMs: [] };
    const received = await Promise.all(readings);
    const endedAt = nowMicros();
    const wrong = received.find((count) => count !== units);
    if (wrong !== undefined) throw new Error(`a follower read ${wrong} of ${units} units`);
    attached.delete(id);
    return { endedAt, latenciesMs };
  },

  /** From the call to the first byte of a running stream, with a context that never followed before. */
  async firstByteMs({ id }: { id: string }): Promise<number> {
    if (opened === undefined) throw new Error("call open first");
    const fresh = await openPeer(opened.peer, opened.url);
    const start = performance.now();
    const reader = (await follow(fresh, id)).getReader();
    let units = 0;
    // The published library's first message may be empty: that is no byte yet.
    while (units === 0) units += (await reader.read()).value?.length ?? 1;
    const took = performance.now() - start;
    // Left open: what leaving sends is still on its way.
    await reader.cancel();
    return took;
  },

  /** From the call to the last of so much text. */
  async resumeMs({ id, units }: { id: string; units: number }): Promise<number> {
    const start = performance.now();
    const reader = (await follow(library(), id)).getReader();
    let received = 0;
    while (received < units) received += (await reader.read()).value?.length ?? Number.POSITIVE_INFINITY;
    const took = performance.now() - start;
    await reader.cancel();
    if (received !== units) throw new Error(`read ${received} of ${units} units`);
    return took;
  },

  /** From a message on one channel to the last of so much text on another. */
  async wireMs({ channel, units }: { channel: string; units: number }): Promise<number> {
    if (opened === undefined) throw new Error("call open first");
    const subscriber = await connectedClient(opened.url);
    let received = 0;
    let startedAt = 0;
    const took = new Promise<number>((resolve) => {
      void subscriber
        .subscribe(channel, (text) => {
          received += text.length;
          if (received >= units) resolve(performance.now() - startedAt);
        })
        .then(() => {
          startedAt = performance.now();
          return library().publisher.publish(`${channel}:ask`, "ask");
        });
    });
    try {
      return await took;
    } finally {
      subscriber.destroy();
    }
  },
};

export type Followers = typeof handlers;
serve(handlers);

function library(): OpenPeer {
  if (opened === undefined) throw new Error("call open first");
  return opened.library;
}

async function follow({ context }: OpenPeer, id: string): Promise<ReadableStream<string>> {
  const stream = await context.resumeExistingStream(id);
  if (stream === undefined || stream === null) throw new Error(`${id} can't be followed: ${String(stream)}`);
  return stream;
}

/** Stamps may come several at a time, or in two parts. */
function stampReader(latenciesMs: number[]): (text: string) => void {
  let rest = "";
  return (text) => {
    const now = nowMicros();
    rest += text;
    while (rest.length >= STAMP_LENGTH) {
      latenciesMs.push((now - Number(rest.slice(0, STAMP_LENGTH))) / 1000);
      rest = rest.slice(STAMP_LENGTH);
    }
  };
}
