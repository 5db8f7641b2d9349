// The streams that this process follows: one listener and one check for all of them.

import { background } from "../../lib/background.ts";
import type { Cancel } from "../../lib/clock.ts";
import type { Watch, WatchSignal } from "../../port/transport.ts";
import type { Row } from "./database.ts";
import type { Handovers, NamedStream } from "./handovers.ts";
import type { Listener } from "./listener.ts";
import { createHint } from "./names.ts";
import { parseState, type SessionState, toNumber } from "./parse.ts";
import { toPage } from "./reader.ts";
import { type PostgresParts, readingOf, run } from "./parts.ts";

/** How often followers that notifications reach look all the same: at the lease, the row, and the listener itself. */
const CHECK_MS = 2_500;
/** How long a producer writes at once after it was told that somebody follows. Told again when half of it has passed. */
const WATCHED_MS = 12_000;
/** How soon a lease that should have been renewed is looked at, after its end. */
const LEASE_SLACK_MS = 100;

interface FollowedStream extends NamedStream {
  listeners: Set<(signal: WatchSignal) => void>;
  /** The producer should be told that somebody follows. */
  needsMark: boolean;
}

export class Watches {
  readonly #context: PostgresParts;
  readonly #handovers: Handovers;
  readonly #listener: Listener;
  readonly #streams = new Map<string, FollowedStream>();
  /** By the name that notifications have for them. */
  readonly #byHint = new Map<string, Set<FollowedStream>>();
  #cancelCheck: Cancel = () => {};
  #isChecking = false;
  #isMarking = false;
  #stopUsing: () => void = () => {};

  constructor(context: PostgresParts, { handovers, listener }: { handovers: Handovers; listener: Listener }) {
    this.#context = context;
    this.#handovers = handovers;
    this.#listener = listener;
  }

  watch(named: NamedStream, onSignal: (signal: WatchSignal) => void): Watch {
    const stream = this.#streams.get(named.key) ?? this.#open(named);
    const listener = (signal: WatchSignal): void => onSignal(signal);
    stream.listeners.add(listener);
    return {
      // Ready at once: a read doesn't depend on notifications, and the first check finds what was written before they arrive.
      ready: Promise.resolve(),
      close: () => {
        if (stream.listeners.delete(listener) && stream.listeners.size === 0) this.#close(stream);
      },
    };
  }

  /** A notification names streams that moved. */
  moved(hints: readonly string[]): void {
    for (const hint of hints) {
      for (const stream of this.#byHint.get(hint) ?? []) tell(stream, { type: "missed" });
    }
  }

  /** Notifications begin or cease: what was said before is lost, and from now on the checks come at another pace. */
  proven(isProven: boolean): void {
    if (isProven) for (const stream of this.#streams.values()) tell(stream, { type: "missed" });
    this.#schedule(this.#intervalMs());
  }

  /** A row was read. */
  observe(key: string, state: SessionState): void {
    const stream = this.#streams.get(key);
    if (stream && state.handover === "due") this.#handovers.takeSoon(stream);
    if (!stream || state.end !== undefined || state.watchedMs > WATCHED_MS / 2) return;
    stream.needsMark = true;
    this.#mark();
  }

  close(): void {
    this.#cancelCheck();
    this.#stopUsing();
    this.#streams.clear();
    this.#byHint.clear();
  }

  #open({ key, streamId }: NamedStream): FollowedStream {
    const stream: FollowedStream = { key, streamId, listeners: new Set(), needsMark: false };
    this.#streams.set(key, stream);
    if (this.#streams.size === 1) {
      this.#stopUsing = this.#listener.use();
      this.#schedule(this.#intervalMs());
    }
    const hint = createHint(key);
    const alike = this.#byHint.get(hint) ?? new Set();
    this.#byHint.set(hint, alike.add(stream));
    return stream;
  }

  #close(stream: FollowedStream): void {
    if (this.#streams.get(stream.key) !== stream) return;
    this.#streams.delete(stream.key);
    const hint = createHint(stream.key);
    const alike = this.#byHint.get(hint);
    alike?.delete(stream);
    if (alike?.size === 0) this.#byHint.delete(hint);
    if (this.#streams.size > 0) return;
    this.#cancelCheck();
    this.#stopUsing();
  }

  #intervalMs(): number {
    return this.#listener.isProven ? CHECK_MS : Math.min(this.#context.settings.pollIntervalMs, CHECK_MS);
  }

  #schedule(delayMs: number): void {
    this.#cancelCheck();
    if (this.#streams.size === 0) return;
    this.#cancelCheck = this.#context.clock.after(delayMs, () => {
      if (this.#isChecking) return this.#schedule(this.#intervalMs());
      background(this.#check(), () => this.#schedule(this.#intervalMs()));
    });
  }

  async #check(): Promise<void> {
    this.#isChecking = true;
    const proof = this.#listener.isProven ? this.#listener.proof() : undefined;
    let shortestLeaseMs = Infinity;
    try {
      await this.#ask([...this.#streams.values()], {
        run: (input) => run(this.#context, "check", [input, this.#context.channel, proof ?? null]),
        ofMissing: { type: "missed" },
        onState: (stream, state) => {
          // A lease that has lapsed is told by this very check.
          if (state.leaseMs !== undefined && state.leaseMs > 0)
            shortestLeaseMs = Math.min(shortestLeaseMs, state.leaseMs);
          this.observe(stream.key, state);
        },
      });
    } finally {
      this.#isChecking = false;
    }
    this.#schedule(Math.min(this.#intervalMs(), shortestLeaseMs + LEASE_SLACK_MS));
  }

  /** Tells the producers of all that need it, in one statement. */
  #mark(): void {
    if (this.#isMarking) return;
    this.#isMarking = true;
    queueMicrotask(() => {
      const streams = [...this.#streams.values()].filter(({ needsMark }) => needsMark);
      for (const stream of streams) stream.needsMark = false;
      // From the mark on there are notifications; what was written between the follower's read and it, its answer tells.
      const marked = this.#ask(streams, {
        run: (input) => run(this.#context, "mark", [input, WATCHED_MS]),
        onState: () => undefined,
        // Somebody has the row locked: what is told by it now, the next check tells. To read at once would ask for ever.
        ofMissing: undefined,
      });
      background(
        marked.finally(() => {
          this.#isMarking = false;
          if ([...this.#streams.values()].some(({ needsMark }) => needsMark)) this.#mark();
        }),
        // The next check sees to it.
        () => undefined,
      );
    });
  }

  /** Asks for the rows of streams, and tells their followers. */
  async #ask(
    streams: readonly FollowedStream[],
    {
      run: ask,
      onState,
      ofMissing,
    }: {
      run: (input: string) => Promise<Row[]>;
      onState: (stream: FollowedStream, state: SessionState) => void;
      /** The signal for a stream without an answer. */
      ofMissing: WatchSignal | undefined;
    },
  ): Promise<void> {
    const rows = await ask(JSON.stringify(streams.map(({ key }, n) => ({ n, stream_id: key }))));
    const reading = readingOf(this.#context);
    const found = rows.filter((row) => row["epoch"] !== null);
    const answers = new Map(found.map((row) => [toNumber(row, "n"), parseState(row, reading)]));
    for (const [n, stream] of streams.entries()) {
      const state = answers.get(n);
      if (state) onState(stream, state);
      // A row without text tells how far the stream is and how it ended. No row: a read finds out what that means.
      const page = state && toPage(state, { from: state.tail, text: "" });
      const signal: WatchSignal | undefined = page ? { type: "page", page } : ofMissing;
      if (signal) tell(stream, signal);
    }
  }
}

function tell({ listeners }: FollowedStream, heard: WatchSignal): void {
  // A follower that leaves while others are told changes nothing for them.
  for (const listener of listeners) listener(heard);
}
