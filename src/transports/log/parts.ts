// The store, the settings and the clock that every part of a log shares.

import type { Clock } from "../../lib/clock.ts";
import type { HandOver } from "../../port/hand-over.ts";
import type { ResumableStreamError } from "../../port/errors.ts";
import type { EndKind, Page } from "../../port/transport.ts";
import type { LogStore, StreamRecord } from "./store.ts";

export interface LogSettings {
  leaseMs: number;
  /** For how long text gathers that nobody follows. */
  flushIntervalMs: number;
  /** How far apart writes of text that is followed are at least; 0: as fast as the store answers. */
  followedFlushIntervalMs: number;
  /** How long any request to the store may take. */
  requestTimeoutMs: number;
}

export interface LogParts {
  settings: LogSettings;
  store: LogStore;
  clock: Clock;
  /** Gives the app what has ended; absent: it doesn't want it. */
  handOver?: HandOver | undefined;
  onError: (error: ResumableStreamError) => void;
}

/** A stream's record as this process reads it right now. */
export interface StreamState extends Pick<StreamRecord, "epoch" | "tail" | "leaseMs" | "watchedMs"> {
  /** Absent while it runs, and while the app is given what a dead producer left. */
  end: EndKind | undefined;
  /** Absent, too, if this context doesn't hand over. */
  handover: "due" | "running" | undefined;
}

export function stateOf({ store, handOver }: LogParts, record: StreamRecord): StreamState {
  const { epoch, tail, leaseMs, watchedMs } = record;
  const end = endOf(record.status, store.outages.isSettling);
  const handover = handOver?.isWanted === true && end !== undefined ? record.handover : undefined;
  // Until the app has it, it isn't over: there is no moment in which a page finds neither stream nor answer.
  const isHeldBack = handover !== undefined && end === "lost";
  return { epoch, tail, leaseMs, watchedMs, end: isHeldBack ? undefined : end, handover };
}

/** A lapsed lease tells nothing yet if this process has just got its store back: so have producers. */
function endOf(status: StreamRecord["status"], isSettling: boolean): EndKind | undefined {
  if (status === "running") return undefined;
  if (status === "lapsed") return isSettling ? undefined : "lost";
  return status;
}

/** A record as a page, with text or without. */
export function toPage(
  { epoch, tail, end }: StreamState,
  { from, text }: { from: number; text: string },
): Page {
  const page: Page = { from, text, tail, epoch };
  if (end !== undefined) page.end = end;
  return page;
}
