// A child process that produces, and measures what a producer's user sees.

import { setTimeout as pass } from "node:timers/promises";
import { drain } from "./lib/drain.ts";
import { usedBytes } from "./lib/heap.ts";
import { pump } from "./lib/pump.ts";
import { serve } from "./lib/calls.ts";
import { median } from "./lib/statistics.ts";
import { nowMicros, openSource, unitsOf, type SourceSpec } from "./lib/source.ts";
import { connectedClient } from "./peers/client.ts";
import { loadPeer, openPeer, type OpenPeer } from "./peers/load.ts";
import type { PeerName } from "./peers/peer.ts";

let opened: (OpenPeer & { url: string }) | undefined;
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

interface ColdSpec {
  id: string;
  peer: PeerName;
  url: string;
  modelMs: number;
  isFloor: boolean;
}

interface WireSpec {
  channel: string;
  messages: number;
  messageLength: number;
}

let paced = 0;

const handlers = {
  async open({ peer, url: at }: { peer: PeerName; url: string }): Promise<void> {
    opened = { ...(await openPeer(peer, at)), url: at };
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

  /** The same of an answer that is always new, and doesn't end: an end would wait for a store that is away. */
  async newFirstByteMs({ id }: { id: string }): Promise<number> {
    return timeMs(async () => {
      const stream = await produce(
        id,
        () => new ReadableStream({ start: (source) => source.enqueue("first") }),
      );
      await stream.getReader().read();
    });
  },

  /** From the call to the first words of a slow model, by a context that makes its clients and connects them with the call; `isFloor`: by the model alone. */
  async coldFirstWordsMs({ id, peer, url: far, modelMs, isFloor }: ColdSpec): Promise<number> {
    const makeStream = (): ReadableStream<string> =>
      new ReadableStream({
        async start(controller) {
          await pass(modelMs);
          controller.enqueue("first");
          controller.close();
        },
      });
    const { createContext } = await loadPeer(peer);
    process.env["REDIS_URL"] = far;
    const context = createContext({ keyPrefix: `bench-${peer}` });
    let reader: ReadableStreamDefaultReader<string> | undefined;
    const took = await timeMs(async () => {
      const stream = isFloor ? makeStream() : await context.createNewResumableStream(id, makeStream);
      reader = openedStream(id, stream).getReader();
      await reader.read();
    });
    // To its end, so that nothing of it runs into the next round.
    await reader?.read();
    return took;
  },

  /** Answers the next message on a channel with many, as fast as they go: what no library can outrun. */
  async answerByWire({ channel, messages, messageLength }: WireSpec): Promise<void> {
    const { publisher } = library();
    const subscriber = await connectedClient(url());
    await subscriber.subscribe(`${channel}:ask`, () => {
      const text = "x".repeat(messageLength);
      const sent = Array.from({ length: messages }, () => publisher.publish(channel, text));
      void Promise.all(sent).then(() => subscriber.destroy());
    });
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
    const before = await usedBytes();
    // Ids of their own, each round: a stream that supersedes another isn't what is measured.
    for (let index = 0; index < spec.streams; index += 1) await hold(`heap-${held.length}`, spec);
    return ((await usedBytes()) - before) / spec.streams;
  },
};

export type Producer = typeof handlers;
serve(handlers);

function library(): OpenPeer {
  if (opened === undefined) throw new Error("call open first");
  return opened;
}

function url(): string {
  if (opened === undefined) throw new Error("call open first");
  return opened.url;
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

async function timeMs(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}
