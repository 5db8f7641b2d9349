// A context over a transport that somebody else wrote: options in, the transport checked, a context out.

import { systemClock } from "../lib/clock.ts";
import type { Transport } from "../port/transport.ts";
import { createContext } from "../api/context.ts";
import type { HandOver } from "../port/hand-over.ts";
import type { ResumableStreamError } from "../port/errors.ts";
import { checkAnswers } from "./checked-transport.ts";
import { checkFunction, checkOptions, flag } from "../api/options.ts";
import { withoutFailed } from "./relay.ts";
import type { CommonOptions } from "../api/common-options.ts";
import type { DurableStreamContext } from "../api/types.ts";

/** The options that a transport is told. Each has its default if the caller gave none. */
export interface TransportSettings {
  /** Goes before every key, so that several apps can share a backend. */
  keyPrefix: string;
  /** How long a stream's record, and its text if it is kept, outlives its start and its end. */
  retentionSeconds: number;
  /** How long a silent producer has to answer before it counts as dead. */
  ackTimeoutMs: number;
  /** How long a follower hears nothing before it reads again. */
  livenessMs: number;
  /** How long a claim may take. Other calls may take `ackTimeoutMs`. */
  claimTimeoutMs: number;
  /** How long an ended producer of a relay stays for followers that make no progress. */
  lingerMs: number;
  /** Takes a stream whose producer is found dead (`onEnd`). Absent, or not wanted: nobody does. */
  handOver?: HandOver;
  /** For trouble that has no caller to reject. Never text. Doesn't throw. */
  onError: (error: ResumableStreamError) => void;
}

/** Makes the transport of one context. Called once, before anything is asked of it: connect on first use, or at once. */
export type CreateTransport = (settings: TransportSettings) => Transport;

/** Options of a context over a transport of your own. */
export interface CreateTransportContextOptions extends CommonOptions {
  /** Makes the transport. */
  transport: CreateTransport;
  /**
   * Whether `resumeExistingStream` gives the text of a stream that is done or stopped as well, and then its end. Needs a
   * transport that keeps the text, and honours `replays`. @defaultValue false
   */
  replay?: boolean;
}

const METHODS = ["claim", "status", "peek", "watch", "read", "stop", "close"] as const;

export function createTransportContext(options: CreateTransportContextOptions): DurableStreamContext {
  const checked = checkOptions(options);
  checkFunction("transport", options.transport);
  const { keyPrefix, retentionSeconds, ackTimeoutMs, livenessMs, claimTimeoutMs, lingerMs } = checked;
  const { handOver, onError } = checked;
  const settings = {
    keyPrefix,
    retentionSeconds,
    ackTimeoutMs,
    livenessMs,
    claimTimeoutMs,
    lingerMs,
    handOver,
    onError,
  };
  const transport: unknown = options.transport(settings);
  checkTransport(transport);
  const replays = flag("replay", options.replay);
  if (replays && !transport.keepsText) {
    throw new TypeError("replay must be left out over this transport: it doesn't keep the text.");
  }
  const context = createContext({
    transport: checkAnswers(transport),
    options: checked,
    clock: systemClock,
    replays,
  });
  return transport.keepsText ? context : withoutFailed(context);
}

function checkTransport(transport: unknown): asserts transport is Transport {
  if (typeof transport !== "object" || transport === null) {
    throw new TypeError(
      `transport must return an object, got ${transport === null ? "null" : typeof transport}.`,
    );
  }
  const properties = transport as Partial<Record<keyof Transport, unknown>>;
  for (const method of METHODS) checkFunction(`transport: ${method}`, properties[method]);
  if (typeof properties.keepsText !== "boolean") {
    throw new TypeError(`transport: keepsText must be a boolean, got ${typeof properties.keepsText}.`);
  }
  const { pageUnits = 1 } = properties;
  if (!Number.isSafeInteger(pageUnits) || Number(pageUnits) < 1) {
    throw new TypeError(`transport: pageUnits must be a whole number from 1, got ${String(pageUnits)}.`);
  }
}
