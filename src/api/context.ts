// The published calls: checks arguments, and decides what a caller gets if a stream runs, has ended, or can't be asked for.

import type { OpenSource } from "../engine/source.ts";
import { Streams } from "../engine/streams.ts";
import type { EngineParts } from "../engine/streams-options.ts";
import { attempt, background } from "../lib/background.ts";
import type { Clock } from "../lib/clock.ts";
import { markOf, type Position } from "../lib/position.ts";
import type { Transport } from "../port/transport.ts";
import { ResumableStreamError } from "../port/errors.ts";
import {
  type CheckedOptions,
  checkFunction,
  checkGeneration,
  checkSkipCharacters,
  checkStreamId,
  notNegative,
} from "./options.ts";
import { type Calls, produceOrFollow, resumeGeneration, wasOther } from "./produce-or-follow.ts";
import { type OnEnd, SET_ON_END } from "./on-end.ts";
import type { CloseOptions, DurableStreamContext, MakeStream, StopOptions } from "./types.ts";

export interface ContextParts {
  transport: Transport;
  options: CheckedOptions;
  clock: Clock;
  /** `resumeExistingStream` reads what has ended well, too: for a log. */
  replays?: boolean;
  parts?: EngineParts;
}

export function createContext({
  transport,
  options,
  clock,
  replays = false,
  parts,
}: ContextParts): DurableStreamContext & { [SET_ON_END]: (onEnd: OnEnd) => void } {
  const streams = new Streams({
    transport,
    clock,
    livenessMs: options.livenessMs,
    handOver: options.handOver,
    sourceIdleMs: options.sourceIdleMs,
    maxBytes: options.maxBytes,
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

  const calls: Calls = { streams, transport, clock };

  return {
    resumableStream: async (streamId, makeStream, skipCharacters) => {
      const position = check(streamId, skipCharacters);
      const openSource = sourceOpener(streamId, makeStream);
      if (position?.epoch !== undefined) return resumeGeneration(calls, streamId, position);
      const offset = position?.offset;
      return produceOrFollow(calls, { streamId, offset, openSource, mayRunAlone: mayRunAlone(offset) });
    },
    createNewResumableStream: async (streamId, makeStream, skipCharacters) => {
      check(streamId, skipCharacters);
      const openSource = sourceOpener(streamId, makeStream);
      // Nobody else's claim keeps this one from its text, and with "stream" an outage doesn't either: the model needn't wait for it.
      const opensAtOnce = options.whenUnavailable === "stream";
      const produced = streams.produce(streamId, {
        mode: "supersede",
        openSource,
        opensAtOnce,
        mayRunAlone: mayRunAlone(undefined),
      });
      return (await produced) ?? null;
    },
    resumeExistingStream: async (streamId, skipCharacters) => {
      const { offset, epoch } = check(streamId, skipCharacters) ?? { offset: 0, epoch: undefined };
      const followed = await streams.follow(streamId, { offset, epoch, ofFailed: "read", replays });
      switch (followed.status) {
        case "following":
          return followed.stream;
        case "done":
          return (await wasOther(calls, streamId, epoch)) ? undefined : null;
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
      // A caller that names a generation was given its stream already.
      if (epoch === undefined) await streams.untilClaimed(streamId);
      const local = await streams.local(streamId);
      const isMeant = local && (epoch === undefined || local.isOf(epoch));
      // A producer here that has ended may be superseded without knowing it. The record tells what runs.
      if (isMeant && (await local.end(reason))) return true;
      // A text without a claim runs here or nowhere.
      return epoch !== undefined && epoch < 0 ? false : transport.stop(streamId, { reason, epoch });
    },
    close: async ({ drainMs }: CloseOptions = {}) => {
      await streams.close(notNegative("drainMs", drainMs, 0));
    },
    [SET_ON_END]: (onEnd: OnEnd) => options.handOver.set(onEnd),
    [Symbol.asyncDispose]: () => streams.close(0),
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
