// A child process that has many streams open, or that follows as many.

import { serve } from "../lib/calls.ts";
import { usedBytes } from "../lib/heap.ts";
import { nowMicros } from "../lib/source.ts";
import { openPeer, type OpenPeer } from "../peers/load.ts";
import type { PeerName } from "../peers/peer.ts";

/** Each has this much text before anybody follows it. */
const CHUNKS = 200;
const CHUNK_LENGTH = 100;
export const UNITS: number = CHUNKS * CHUNK_LENGTH;
/** Calls at once: what a burst of requests does to a library is another row's. */
const IN_FLIGHT = 100;

let opened: OpenPeer | undefined;
let readings: Promise<number>[] = [];
let end: (() => void) | undefined;

const handlers = {
  async open({ peer, url }: { peer: PeerName; url: string }): Promise<void> {
    opened = await openPeer(peer, url);
  },

  /** Until each stream has given its text, in milliseconds. */
  async produce({ prefix, count }: { prefix: string; count: number }): Promise<number> {
    const ended = new Promise<void>((resolve) => (end = resolve));
    const { context } = library();
    return timed(count, async (index) => {
      const makeStream = (): ReadableStream<string> => heldSource(ended);
      await readOn(await context.createNewResumableStream(`${prefix}-${index}`, makeStream));
    });
  },

  /** Until each follower has what its stream has given, in milliseconds. */
  async follow({ prefix, count }: { prefix: string; count: number }): Promise<number> {
    const { context } = library();
    return timed(count, async (index) => readOn(await context.resumeExistingStream(`${prefix}-${index}`)));
  },

  /** Ends all streams; when, on the clock of `nowMicros`. */
  async end(): Promise<number> {
    const at = nowMicros();
    end?.();
    return at;
  },

  /** When the last of all readers here was told its end, on the clock of `nowMicros`. */
  async ended(): Promise<number> {
    const units = await Promise.all(readings);
    const at = nowMicros();
    if (units.some((count) => count !== UNITS)) throw new Error("a reader didn't get the whole text");
    readings = [];
    return at;
  },

  /** Bytes in use, with nothing left to collect. */
  heap: usedBytes,

  /** Milliseconds of processor time since this process started. */
  async cpuMs(): Promise<number> {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

export type ScaleWorker = typeof handlers;
serve(handlers);

function library(): OpenPeer {
  if (opened === undefined) throw new Error("call open first");
  return opened;
}

async function timed(count: number, act: (index: number) => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const turns = Array.from({ length: IN_FLIGHT }, async () => {
    while (next < count) await act(next++);
  });
  await Promise.all(turns);
  return performance.now() - startedAt;
}

/** Reads to the end; settles once all is there that was given before it. */
async function readOn(stream: ReadableStream<string> | null | undefined): Promise<void> {
  if (!stream) throw new Error(`no stream: ${String(stream)}`);
  const reader = stream.getReader();
  await new Promise<void>((reached, failed) => {
    const reading = new Promise<number>((ended, broken) => {
      let units = 0;
      // By callbacks: a function that awaits keeps the last text that it was given, and heap is what is measured.
      const onRead = ({ done, value }: ReadableStreamReadResult<string>): void => {
        if (done) return ended(units);
        units += value.length;
        if (units >= UNITS) reached();
        next();
      };
      const next = (): void => void reader.read().then(onRead).catch(broken);
      next();
    });
    reading.catch(failed);
    readings.push(reading);
  });
}

function heldSource(ended: Promise<void>): ReadableStream<string> {
  let given = 0;
  return new ReadableStream({
    async pull(controller) {
      if (given === CHUNKS) {
        await ended;
        return controller.close();
      }
      // A string of its own, as a model's are.
      controller.enqueue(String(given).padStart(CHUNK_LENGTH, "token "));
      given += 1;
    },
  });
}
