// The one place where defaults live and a caller's options are checked.

import { attempt, background } from "../lib/background.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { epochOf, parsePosition, type Position } from "../lib/position.ts";
import type { ResumableStreamError } from "../port/errors.ts";
import { AppHandOver } from "./on-end.ts";
import type { CommonOptions, StreamEvent } from "./common-options.ts";

const DAY_SECONDS = 24 * 60 * 60;
/** For ever, some 30,000 years: stores refuse a time that they can't count. */
const MAX_RETENTION_SECONDS = 1e12;

/** Options with nothing left open. */
export interface CheckedOptions {
  waitUntil: ((promise: Promise<unknown>) => void) | null;
  keyPrefix: string;
  retentionSeconds: number;
  ackTimeoutMs: number;
  livenessMs: number;
  claimTimeoutMs: number;
  lingerMs: number;
  whenUnavailable: "stream" | "throw";
  onError: (error: ResumableStreamError) => void;
  onEvent: (event: StreamEvent) => void;
  /** The option `onEnd`, ready to be called. */
  handOver: AppHandOver;
  /** Absent: sources may be silent for ever. */
  sourceIdleMs: number | undefined;
  /** Absent: texts may be of any length. */
  maxBytes: number | undefined;
}

export function checkOptions(options: CommonOptions, clock: Clock = systemClock): CheckedOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options must be an object with waitUntil, got ${describe(options)}.`);
  }
  const { waitUntil, keyPrefix, whenUnavailable, onEnd, onError, onEvent } = options;
  // Left out, it means what null does; in TypeScript it has to be said.
  if (waitUntil !== null && waitUntil !== undefined) checkFunction("waitUntil", waitUntil);
  if (keyPrefix !== undefined && typeof keyPrefix !== "string") {
    throw new TypeError(`keyPrefix must be a string, got ${describe(keyPrefix)}.`);
  }
  if (keyPrefix?.isWellFormed() === false)
    throw new TypeError("keyPrefix must be well-formed Unicode, got a lone surrogate.");
  if (whenUnavailable !== undefined && whenUnavailable !== "stream" && whenUnavailable !== "throw") {
    throw new TypeError(`whenUnavailable must be "stream" or "throw", got ${describe(whenUnavailable)}.`);
  }
  if (onError !== undefined) checkFunction("onError", onError);
  if (onEvent !== undefined) checkFunction("onEvent", onEvent);
  if (onEnd !== undefined) checkFunction("onEnd", onEnd);
  const { maxBytes, sourceIdleMs } = options;
  const report = guarded(onError ?? ((error: ResumableStreamError) => console.error(error.message)));
  const timeoutMs = positive("onEndTimeoutMs", options.onEndTimeoutMs, 10_000);
  return {
    waitUntil: waitUntil ?? null,
    // An empty prefix means the default, as in the published library.
    keyPrefix: keyPrefix || "resumable-stream",
    retentionSeconds: Math.min(
      Math.ceil(positive("retentionSeconds", options.retentionSeconds, DAY_SECONDS)),
      MAX_RETENTION_SECONDS,
    ),
    ackTimeoutMs: positive("ackTimeoutMs", options.ackTimeoutMs, 2_000),
    livenessMs: positive("livenessMs", options.livenessMs, 3_000),
    claimTimeoutMs: positive("claimTimeoutMs", options.claimTimeoutMs, 3_000),
    lingerMs: positive("lingerMs", options.lingerMs, 5_000),
    whenUnavailable: whenUnavailable ?? "stream",
    onError: report,
    onEvent: guarded(onEvent ?? (() => undefined)),
    handOver: new AppHandOver({ onEnd, timeoutMs, clock, onError: report }),
    sourceIdleMs: sourceIdleMs === undefined ? undefined : positive("sourceIdleMs", sourceIdleMs, 1),
    maxBytes: maxBytes === undefined ? undefined : positive("maxBytes", maxBytes, 1),
  };
}

export function checkStreamId(streamId: unknown): asserts streamId is string {
  if (typeof streamId !== "string" || streamId === "") {
    throw new TypeError(`streamId must be a non-empty string, got ${describe(streamId)}.`);
  }
  // Two ids that differ in a lone surrogate only would be one on the wire.
  if (!streamId.isWellFormed())
    throw new TypeError("streamId must be well-formed Unicode, got a lone surrogate.");
}

/** The position a caller named, or undefined if it named none. */
export function checkSkipCharacters(skipCharacters: unknown): Position | undefined {
  if (skipCharacters === undefined || skipCharacters === null) return undefined;
  if (typeof skipCharacters === "number" && Number.isSafeInteger(skipCharacters) && skipCharacters >= 0) {
    return { offset: skipCharacters, epoch: undefined };
  }
  const position = typeof skipCharacters === "string" ? parsePosition(skipCharacters) : undefined;
  if (position) return position;
  throw new TypeError(
    `skipCharacters must be a whole number from 0, or a position such as "1204.k3f9x2", got ${describe(skipCharacters)}.`,
  );
}

/** The claim that a caller's generation names, or undefined if it named none. */
export function checkGeneration(generation: unknown): number | undefined {
  if (generation === undefined || generation === null) return undefined;
  const epoch = typeof generation === "string" ? epochOf(generation) : undefined;
  if (epoch !== undefined) return epoch;
  throw new TypeError(
    `generation must be the mark that a stream's readers were given, got ${describe(generation)}.`,
  );
}

export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") throw new TypeError(`${name} must be a function, got ${describe(value)}.`);
}

export function positive(name: string, value: unknown, defaultValue: number): number {
  if (value === undefined) return defaultValue;
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw new TypeError(`${name} must be a positive number, got ${describe(value)}.`);
  }
  return value;
}

/** Like `positive`, and 0 is one. */
export function notNegative(name: string, value: unknown, defaultValue: number): number {
  return value === 0 ? 0 : positive(name, value, defaultValue);
}

/** False if it is left out. */
export function flag(name: string, value: unknown): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw new TypeError(`${name} must be true or false, got ${describe(value)}.`);
}

/** Numbers are shown; anything else by its type alone, since it may be somebody's text. */
function describe(value: unknown): string {
  if (value === "") return "an empty string";
  return typeof value === "number" || value === null ? String(value) : typeof value;
}

/**
 * A callback that throws must not break a stream: its error surfaces on its own, as from an event listener. The same for one
 * that is asynchronous and rejects, which types let pass for a callback that returns nothing.
 */
function guarded<T>(callback: (value: T) => unknown): (value: T) => void {
  return (value) =>
    background(
      attempt(() => callback(value)),
      (error) => console.error(error),
    );
}
