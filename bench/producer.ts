// A child process that produces, and measures what a producer's user sees.

import { drain } from "./lib/drain.ts";
import { pump } from "./lib/pump.ts";
import { serve } from "./lib/calls.ts";
import { median } from "./lib/statistics.ts";
import { nowMicros, openSource, unitsOf, type SourceSpec } from "./lib/source.ts";
import { openPeer, type OpenPeer } from "./peers/load.ts";
import type { PeerName } from "./peers/peer.ts";

let opened: OpenPeer | undefined;
/** Streams that wait for `go`, by id. */
const gates = new Map<string, () => void>();
/** Streams kept open for as long as this process runs. */
const held: Promise<number>[] = [];

export interface PacedSpec {
  streams: number;
  source: SourceSpec;
  /** The least that keeps a source running without its reader, in place of the library. */
  isFloor: boolean;
}

let paced = 0;

const handlers = {
  async open({ peer, url }: { peer: PeerName; url: string }): Promise<void> {
    opened = await openPeer(peer, url);
  },

  async pingMs(): Promise<number> {
    const took: number[] = [];
    for (let round = 0; round < 5; round += 1) took.push(await timeMs(() => library().publisher.ping()));
    return median(took);
  },

  /** From the call to the first byte of a new stream. */
  async firstByteMs({ id }: { id: string }): Promise<number> {
    let source: ReadableStreamDefaultController<string> | undefined;
    const makeStream = () =>
      new ReadableStream<string>({
        start(controller) {
          source = controller;
          controller.enqueue("first");
        },
      });
    let reader: ReadableStreamDefaultReader<string> | undefined;
    const took = await timeMs(async () => {
      reader = (await library().context.resumableStream(id, makeStream))?.getReader();
      await reader?.read();
    });
    source?.close();
    await reader?.read();
    return took;
  },

  /** A whole stream that nobody follows; `bare`: its source alone. Resolves to milliseconds. */
  async unfollowed({ id, source, bare }: { id: string; source: SourceSpec; bare: boolean }): Promise<number> {
    let units = 0;
    const took = await timeMs(async () => {
      const makeStream = () => openSource(source);
      const stream = bare ? makeStream() : await library().context.resumableStream(id, makeStream);
      units = await drain(openedStream(id, stream));
    });
    if (units !== unitsOf(source)) throw new Error(`read ${units} of ${unitsOf(source)} units`);
    return took;
  },

  /** Paced streams at once, read by their callers alone; `floor`: by a hand-written pump. Resolves to CPU milliseconds. */
  async pacedCpuMs({ streams, source, isFloor }: PacedSpec): Promise<number> {
    const before = process.cpuUsage();
    const running = Array.from({ length: streams }, async () => {
      const id = `paced-${process.pid}-${++paced}`;
      const makeStream = () => openSource(source);
      const stream = isFloor ? pump(makeStream()) : await library().context.resumableStream(id, makeStream);
      return drain(openedStream(id, stream));
    });
    const units = await Promise.all(running);
    const { user, system } = process.cpuUsage(before);
    if (units.some((count) => count !== unitsOf(source))) throw new Error("a paced stream wasn't whole");
    return (user + system) / 1000;
  },

  /** Opens a stream whose source waits for `go`. */
  async start({ id, source }: { id: string; source: SourceSpec }): Promise<void> {
    const gate = new Promise<void>((resolve) => gates.set(id, resolve));
    held.push(drain(await produce(id, () => openSource(source, gate))));
  },

  /** Lets a source run; resolves to when, on the clock of `nowMicros`. */
  async go({ id }: { id: string }): Promise<number> {
    const at = nowMicros();
    gates.get(id)?.();
    gates.delete(id);
    return at;
  },

  /** A stream that has given so much and stays open. Resolves once its reader has it all. */
  async hold({
    id,
    chunks,
    chunkLength,
  }: {
    id: string;
    chunks: number;
    chunkLength: number;
  }): Promise<void> {
    await hold(id, { chunks, chunkLength });
  },

  /** What an open stream that holds so much text costs, in bytes. Needs --expose-gc. */
  async heapBytes(spec: { streams: number; chunks: number; chunkLength: number }): Promise<number> {
    await hold(`heap-${held.length}`, spec);
    const before = usedBytes();
    // Ids of their own, each round: a stream that supersedes another isn't what is measured.
    for (let index = 0; index < spec.streams; index += 1) await hold(`heap-${held.length}`, spec);
    return (usedBytes() - before) / spec.streams;
  },
};

export type Producer = typeof handlers;
serve(handlers);

function library(): OpenPeer {
  if (opened === undefined) throw new Error("call open first");
  return opened;
}

async function produce(
  id: string,
  makeStream: () => ReadableStream<string>,
): Promise<ReadableStream<string>> {
  return openedStream(id, await library().context.createNewResumableStream(id, makeStream));
}

function openedStream(id: string, stream: ReadableStream<string> | null): ReadableStream<string> {
  if (stream === null) throw new Error(`${id} is done already`);
  return stream;
}

async function hold(
  id: string,
  { chunks, chunkLength }: { chunks: number; chunkLength: number },
): Promise<void> {
  let given = 0;
  const source = () =>
    new ReadableStream<string>({
      pull(controller) {
        // Never closed, and each chunk a string of its own, as a model's tokens are.
        if (given === chunks) return new Promise<void>(() => undefined);
        controller.enqueue(String(given).padStart(chunkLength, "0"));
        given += 1;
      },
    });
  const stream = await produce(id, source);
  let units = 0;
  await new Promise<void>((resolve) => {
    const onText = (text: string): void => {
      units += text.length;
      if (units === chunks * chunkLength) resolve();
    };
    held.push(drain(stream, onText));
  });
}

function usedBytes(): number {
  if (globalThis.gc === undefined) throw new Error("start this process with --expose-gc");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function timeMs(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}
