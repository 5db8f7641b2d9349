// The published calls: checks arguments, and decides what a caller gets if a stream runs, has ended, or can't be asked for.

import type { OpenSource } from "../engine/producer.ts";
import { type EngineParts, Streams } from "../engine/streams.ts";
import { attempt, background } from "../lib/background.ts";
import { backoffMs } from "../lib/backoff.ts";
import { type Clock, sleep } from "../lib/clock.ts";
import { markOf, type Position } from "../lib/position.ts";
import type { Transport } from "../port/transport.ts";
import { ResumableStreamError } from "../port/errors.ts";
import {
  type CheckedOptions,
  checkFunction,
  checkGeneration,
  checkSkipCharacters,
  checkStreamId,
} from "./options.ts";
import type { DurableStreamContext, MakeStream, StopOptions } from "./types.ts";

/** How often a call starts over when producers come and go under it. */
const MAX_ROUNDS = 8;
const BETWEEN_ROUNDS = { firstMs: 10, maxMs: 1_000 };

export interface ContextParts {
  transport: Transport;
  options: CheckedOptions;
  clock: Clock;
  parts?: EngineParts;
}

export function createContext({ transport, options, clock, parts }: ContextParts): DurableStreamContext {
  const streams = new Streams({
    transport,
    clock,
    livenessMs: options.livenessMs,
    keepAlive: (settled) =>
      background(
        attempt(() => options.waitUntil?.(settled)),
        (cause) => {
          const message =
            "waitUntil failed: see cause. The stream runs on, but the platform may end it with the request.";
          options.onError(new ResumableStreamError("WAIT_UNTIL_FAILED", message, { cause }));
        },
      ),
    onError: options.onError,
    onEvent: options.onEvent,
    parts,
  });

  const check = (streamId: unknown, skipCharacters?: unknown): Position | undefined => {
    checkStreamId(streamId);
    const position = checkSkipCharacters(skipCharacters);
    streams.checkOpen();
    return position;
  };

  /** Whether the stream that is done was of another claim than the one that is asked for. Not, if that isn't known. */
  const wasOther = async (streamId: string, epoch: number | undefined): Promise<boolean> => {
    if (epoch === undefined || !transport.lastEnd) return false;
    const last = await transport.lastEnd(streamId);
    if (last) return last.epoch !== epoch;
    // Another may have taken the id since it was found done: then what ended last isn't told any more.
    return (await transport.peek(streamId)).status !== "done";
  };

  /** For a caller that names a generation: its text, or nothing of any other. */
  const resumeGeneration = async (
    streamId: string,
    position: Position,
  ): Promise<ReadableStream<string> | null> => {
    const followed = await streams.follow(streamId, { ...position, ofFailed: "read" });
    if (followed.status === "following") return followed.stream;
    if (followed.status === "done" && !(await wasOther(streamId, position.epoch))) return null;
    const message = `Cannot resume "${streamId}": the text that this position is of is gone. Start a new one without a position.`;
    throw new ResumableStreamError("PRODUCER_LOST", message);
  };

  /** Whether a caller that would have produced, but could not ask, gets its text all the same. */
  const mayRunAlone =
    (offset: number | undefined) =>
    (error: unknown): boolean => {
      const isOutage = error instanceof ResumableStreamError && error.code === "TRANSPORT_UNAVAILABLE";
      // A fresh text would not continue what a caller that names an offset already has.
      if (!isOutage || offset !== undefined || options.whenUnavailable === "throw") return false;
      options.onError(error);
      return true;
    };

  const resumableStream = async (
    streamId: string,
    makeStream: MakeStream,
    skipCharacters?: number | string,
  ): Promise<ReadableStream<string> | null> => {
    const position = check(streamId, skipCharacters);
    const openSource = sourceOpener(streamId, makeStream);
    if (position?.epoch !== undefined) return resumeGeneration(streamId, position);
    const offset = position?.offset;
    // A caller that names an offset is reconnecting: what is left of a failed stream continues its text, a fresh one doesn't.
    const mode = offset === undefined ? "if-free" : "if-absent";
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (!(await streams.local(streamId))) {
        const stream = await streams.produce(streamId, {
          mode,
          openSource,
          mayRunAlone: mayRunAlone(offset),
        });
        if (stream) return stream;
      }
      // Without an offset a failed stream is produced anew: its producer may have died between the claim and the read.
      const followed = await streams.follow(streamId, {
        offset: offset ?? 0,
        epoch: undefined,
        ofFailed: offset === undefined ? "refuse" : "read",
      });
      if (followed.status === "following") return followed.stream;
      if (followed.status === "done") return null;
      // The id is free again, and one of those who found it so gets it.
      await sleep(clock, backoffMs(round, BETWEEN_ROUNDS));
      streams.checkOpen();
    }
    const message = `Cannot produce or follow "${streamId}": ${MAX_ROUNDS} producers died while this call waited for them. Try again.`;
    throw new ResumableStreamError("PRODUCER_LOST", message);
  };

  return {
    resumableStream,
    createNewResumableStream: async (streamId, makeStream, skipCharacters) => {
      check(streamId, skipCharacters);
      const openSource = sourceOpener(streamId, makeStream);
      const claiming = { mode: "supersede", openSource, mayRunAlone: mayRunAlone(undefined) } as const;
      return (await streams.produce(streamId, claiming)) ?? null;
    },
    resumeExistingStream: async (streamId, skipCharacters) => {
      const { offset, epoch } = check(streamId, skipCharacters) ?? { offset: 0, epoch: undefined };
      const followed = await streams.follow(streamId, { offset, epoch, ofFailed: "read" });
      switch (followed.status) {
        case "following":
          return followed.stream;
        case "done":
          return (await wasOther(streamId, epoch)) ? undefined : null;
        case "absent":
        case "lost":
          return undefined;
      }
    },
    hasExistingStream: async (streamId) => {
      check(streamId);
      if (await streams.local(streamId)) return true;
      const status = await transport.status(streamId);
      switch (status) {
        case "running":
          return true;
        case "done":
          return "DONE";
        case "failed":
          return "failed";
        case "absent":
          return null;
      }
    },
    lastEnd: async (streamId) => {
      check(streamId);
      const last = await transport.lastEnd?.(streamId);
      return last ? { generation: markOf(last.epoch), length: last.tail, end: last.end } : null;
    },
    stopStream: async (streamId, { reason, generation }: StopOptions = {}) => {
      check(streamId);
      const epoch = checkGeneration(generation);
      const local = await streams.local(streamId);
      const isMeant = local && (epoch === undefined || epoch === local.epoch);
      return isMeant ? local.end(reason) : transport.stop(streamId, { reason, epoch });
    },
    close: () => streams.close(),
    [Symbol.asyncDispose]: () => streams.close(),
  };
}

function sourceOpener(streamId: string, makeStream: MakeStream): OpenSource {
  checkFunction("makeStream", makeStream);
  return async (signal) => {
    const source: unknown = await makeStream({ streamId, signal });
    if (source instanceof ReadableStream || isReadable(source)) return source;
    throw new TypeError(`makeStream must return a ReadableStream of strings, got ${typeof source}.`);
  };
}

/** A stream of another realm or a polyfill has the method without the class. */
function isReadable(value: unknown): value is ReadableStream<string> {
  return typeof value === "object" && value !== null && "getReader" in value;
}
