// Reads of a stream's text, which wait for whoever gives it to the app.

import { ResumableStreamError } from "../../port/errors.ts";
import { cutBeforePair } from "../../lib/text.ts";
import type { ReadRequest, ReadResult } from "../../port/transport.ts";
import type { Handovers } from "./handovers.ts";
import { type LogParts, stateOf, type StreamState, toPage } from "./parts.ts";
import type { NamedStream, StoredPage, StreamRecord } from "./store.ts";

export interface ReaderOptions {
  handovers: Handovers;
  /** Gives the record as this process takes it. */
  onRecord: (key: string, record: StreamRecord) => StreamRecord;
  /** The state in which a followed stream was last seen, if its lease still holds and the store may forget it. */
  lastRunning: (key: string) => StreamState | undefined;
}

export class Reader {
  readonly #parts: LogParts;
  readonly #options: ReaderOptions;
  #isClosed = false;

  constructor(parts: LogParts, options: ReaderOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async read(stream: NamedStream, request: ReadRequest): Promise<ReadResult> {
    const { store } = this.#parts;
    const { from, epoch, replays = false } = request;
    const maxUnits = Math.min(request.maxUnits, store.maxPageUnits);
    for (let hasWaited = false; ; hasWaited = true) {
      if (this.#isClosed) throw closedError();
      const isBound = epoch !== undefined || replays;
      const stored = await store.read({ key: stream.key, epoch, from, maxUnits, isBound });
      const known = this.#isForgotten(stream, epoch, stored?.record);
      if (known) return { status: "page", page: toPage({ ...known, tail: from }, { from, text: "" }) };
      if (!stored || isOlder(stored.record, epoch)) return { status: "absent" };
      const state = stateOf(this.#parts, this.#options.onRecord(stream.key, stored.record));
      const handedOver = this.#handedOver(stream, state, { isBound: epoch !== undefined, hasWaited });
      if (!handedOver) return this.#toResult({ from, maxUnits, isBound }, stored, state);
      await handedOver;
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  /**
   * The state of a stream whose record the store has lost, while the lease that this process knows of still holds: its producer is
   * about to write it again, and a follower of it waits. Undefined if nothing is missing.
   */
  #isForgotten(
    { key }: NamedStream,
    epoch: number | undefined,
    record: StreamRecord | undefined,
  ): StreamState | undefined {
    if (epoch === undefined || (record && record.epoch >= epoch)) return undefined;
    const known = this.#options.lastRunning(key);
    return known?.epoch === epoch ? known : undefined;
  }

  /** An answer waits for this: until the app has a stream nobody is told that it is over. Undefined if there is nothing to wait for. */
  #handedOver(
    stream: NamedStream,
    { end, handover }: StreamState,
    { isBound, hasWaited }: { isBound: boolean; hasWaited: boolean },
  ): Promise<void> | undefined {
    // Its end is known: it is told what it lacks of the text.
    if (isBound && end !== undefined) return undefined;
    if (handover === "due") return this.#options.handovers.take(stream);
    const isElsewhere = handover === "running" && end !== undefined;
    return isElsewhere && !hasWaited ? this.#options.handovers.untilOver(stream) : undefined;
  }

  #toResult(
    { from, maxUnits, isBound }: { from: number; maxUnits: number; isBound: boolean },
    { text }: StoredPage,
    state: StreamState,
  ): ReadResult {
    const isWhole = state.end === "done" || state.end === "stopped";
    if (isWhole && !isBound) return { status: "done" };
    if (text === undefined || (text === "" && from < state.tail && maxUnits > 0)) {
      // While it runs its producer may be about to write it again. After that nobody will.
      if (state.end === undefined) throw holeError(from, this.#parts.store.name);
      // Of a stream that failed it is all that is left. One that was whole must not look like that.
      if (isWhole) return { status: "absent" };
      return { status: "page", page: toPage({ ...state, tail: from }, { from, text: "" }) };
    }
    const page = toPage(state, { from, text: text.slice(0, cutBeforePair(text, 0, maxUnits)) });
    return { status: "page", page };
  }
}

/** A fail-over lost the claim that a follower is bound to, and what stands there is of one before it: nothing more comes of it. */
function isOlder(record: StreamRecord, epoch: number | undefined): boolean {
  return epoch !== undefined && record.epoch < epoch;
}

function closedError(): ResumableStreamError {
  return new ResumableStreamError("CLOSED", "Cannot read: the context was closed.");
}

function holeError(from: number, store: string): ResumableStreamError {
  return new ResumableStreamError(
    "TRANSPORT_UNAVAILABLE",
    `Cannot read from offset ${from}: ${store} lacks text that the stream's record counts. Was some of it deleted by hand?`,
  );
}
