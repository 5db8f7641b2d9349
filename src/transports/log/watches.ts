// The streams that this process follows: an ear for each, and one check for all of them.

import { background } from "../../lib/background.ts";
import type { Cancel } from "../../lib/clock.ts";
import type { Watch, WatchSignal } from "../../port/transport.ts";
import type { Handovers } from "./handovers.ts";
import { type LogParts, stateOf, type StreamState, toPage } from "./parts.ts";
import type { NamedStream, StreamEar, StreamRecord } from "./store.ts";

/** How soon a lease that should have been renewed is looked at, after its end. */
const LEASE_SLACK_MS = 100;
/** How soon a record that was locked is looked at again. */
const LOCKED_MS = 1_000;

interface FollowedStream extends NamedStream {
  listeners: Set<(signal: WatchSignal) => void>;
  /** Absent until it is opened. */
  ear: StreamEar | undefined;
  /** The producer should be told that somebody follows. */
  needsMark: boolean;
  /** Its tail at the last check; absent before the first. */
  checkedTail: number | undefined;
  /** The state it was last seen in, and until when its lease lasts; absent if it has ended. */
  running: { state: StreamState; until: number } | undefined;
}

export class Watches {
  readonly #parts: LogParts;
  readonly #handovers: Handovers;
  readonly #streams = new Map<string, FollowedStream>();
  #cancelCheck: Cancel = () => {};
  #isChecking = false;
  #isMarking = false;
  /** Streams of this process that others follow, and may not mark. */
  readonly #markFor = new Set<string>();
  /** How many checks in a row found nothing new: the pause between them is as many times as long. */
  #quiet = 0;

  constructor(parts: LogParts, handovers: Handovers) {
    this.#parts = parts;
    this.#handovers = handovers;
  }

  watch(named: NamedStream, onSignal: (signal: WatchSignal) => void): Watch {
    const stream = this.#streams.get(named.key) ?? this.#open(named);
    const listener = (signal: WatchSignal): void => onSignal(signal);
    stream.listeners.add(listener);
    return {
      // Ready at once: a read doesn't depend on what is heard, and the ear tells when something may have been missed.
      ready: Promise.resolve(),
      close: () => {
        if (stream.listeners.delete(listener) && stream.listeners.size === 0) this.#close(stream);
      },
    };
  }

  /** Followers of this process look again. */
  moved(key: string): void {
    const stream = this.#streams.get(key);
    if (stream) tell(stream, { type: "missed" });
  }

  /** Marks streams of this process for followers that may not. They ask again if it fails. */
  mark(keys: readonly string[]): void {
    for (const key of keys) this.#markFor.add(key);
    if (keys.length > 0) this.#mark();
  }

  /** The store's messages can be relied on from now on, or no longer. */
  paceChanged(): void {
    this.#quiet = 0;
    this.#schedule(this.#parts.store.checkMs);
  }

  /** A record was read. Gives it as this process takes it. */
  observe(key: string, read: StreamRecord): StreamRecord {
    const stream = this.#streams.get(key);
    if (!stream) return read;
    const record = this.#believed(stream, read);
    const state = stateOf(this.#parts, record);
    const { end, handover } = state;
    const isRunning = end === undefined && record.leaseMs !== undefined;
    stream.running = isRunning
      ? { state, until: this.#parts.clock.now() + (record.leaseMs ?? 0) }
      : undefined;
    if (handover === "due") this.#handovers.takeSoon(stream);
    if (end !== undefined || !this.#parts.store.needsMark(record)) return record;
    stream.needsMark = true;
    this.#mark();
    return record;
  }

  /** A lease that has lapsed by the server's clock, and holds by our own, hasn't: the server's clock has stepped. */
  #believed({ running }: FollowedStream, record: StreamRecord): StreamRecord {
    if (record.status !== "lapsed" || running?.state.epoch !== record.epoch) return record;
    const leaseMs = running.until - this.#parts.clock.now();
    return leaseMs > 0 ? { ...record, status: "running", leaseMs } : record;
  }

  /** The state in which a stream was last seen, if its lease still holds and the store may forget it. */
  lastRunning(key: string): StreamState | undefined {
    const running = this.#streams.get(key)?.running;
    const mayLive = this.#parts.store.mayForget && running && this.#parts.clock.now() < running.until;
    return mayLive ? running.state : undefined;
  }

  close(): void {
    this.#cancelCheck();
    for (const { ear } of this.#streams.values()) ear?.close();
    this.#streams.clear();
  }

  #open({ key, streamId }: NamedStream): FollowedStream {
    const stream: FollowedStream = {
      key,
      streamId,
      listeners: new Set(),
      ear: undefined,
      needsMark: false,
      checkedTail: undefined,
      running: undefined,
    };
    this.#streams.set(key, stream);
    stream.ear = this.#parts.store.listen(key, (signal) => tell(stream, signal));
    // A slow pace is for streams that were looked at: the next check comes as soon as one for this stream alone would.
    if (this.#streams.size === 1 || this.#quiet > 1) this.#schedule(this.#parts.store.checkMs);
    this.#quiet = 0;
    return stream;
  }

  #close(stream: FollowedStream): void {
    if (this.#streams.get(stream.key) !== stream) return;
    this.#streams.delete(stream.key);
    stream.ear?.close();
    if (this.#streams.size === 0) this.#cancelCheck();
  }

  #schedule(delayMs: number): void {
    this.#cancelCheck();
    if (this.#streams.size === 0) return;
    this.#cancelCheck = this.#parts.clock.after(delayMs, () => {
      if (this.#isChecking) return this.#schedule(this.#parts.store.checkMs);
      background(this.#check(), () => this.paceChanged());
    });
  }

  async #check(): Promise<void> {
    const { store } = this.#parts;
    this.#isChecking = true;
    let shortestLeaseMs = Infinity;
    this.#quiet += 1;
    try {
      const streams = [...this.#streams.values()];
      const records = await store.check(streams.map(({ key }) => key));
      for (const [n, stream] of streams.entries()) {
        const read = records[n];
        // No record: a read finds out what that means.
        if (!read) {
          tell(stream, { type: "missed" });
          continue;
        }
        const record = this.observe(stream.key, read);
        if (record.tail !== stream.checkedTail) this.#quiet = 1;
        stream.checkedTail = record.tail;
        if (record.leaseMs !== undefined && record.leaseMs > 0)
          shortestLeaseMs = Math.min(shortestLeaseMs, record.leaseMs);
        // A lease that has lapsed is told by this very check, unless nobody could renew it: its producer is about to.
        else if (record.leaseMs !== undefined) this.#quiet = 1;
        this.#tellRecord(stream, record);
      }
    } finally {
      this.#isChecking = false;
    }
    const pauseMs = Math.min(store.checkMs * Math.max(this.#quiet, 1), store.idleCheckMs);
    this.#schedule(Math.min(pauseMs, shortestLeaseMs + LEASE_SLACK_MS));
  }

  /** Tells the producers of all that need it, at once. */
  #mark(): void {
    if (this.#isMarking) return;
    this.#isMarking = true;
    queueMicrotask(() => {
      const streams = [...this.#streams.values()].filter(({ needsMark }) => needsMark);
      for (const stream of streams) stream.needsMark = false;
      const own = [...this.#markFor];
      this.#markFor.clear();
      background(
        this.#markNow(streams, own).finally(() => {
          this.#isMarking = false;
          const isLeft =
            this.#markFor.size > 0 || [...this.#streams.values()].some(({ needsMark }) => needsMark);
          if (isLeft) this.#mark();
        }),
        // The next check sees to it.
        () => undefined,
      );
    });
  }

  async #markNow(streams: readonly FollowedStream[], own: readonly string[]): Promise<void> {
    const followed = streams.map(({ key }) => key);
    const answers = (await this.#parts.store.mark?.(followed, own)) ?? [];
    const records = answers.slice(0, streams.length);
    // From the mark on there are messages; what was written between the follower's read and it, its answer tells. What is told
    // by a record that somebody has locked, a check tells: to read at once would ask for ever.
    for (const [n, stream] of streams.entries()) {
      const record = records[n];
      if (record) this.#tellRecord(stream, this.#believed(stream, record));
    }
    if (this.#parts.store.mark && records.includes(undefined)) {
      this.#schedule(Math.min(this.#parts.store.checkMs, LOCKED_MS));
    }
  }

  /** A record without text tells how far the stream is, and how it ended. */
  #tellRecord(stream: FollowedStream, record: StreamRecord): void {
    const state = stateOf(this.#parts, record);
    tell(stream, { type: "page", page: toPage(state, { from: state.tail, text: "" }) });
  }
}

function tell({ listeners }: FollowedStream, heard: WatchSignal): void {
  // A follower that leaves while others are told changes nothing for them.
  for (const listener of listeners) listener(heard);
}
