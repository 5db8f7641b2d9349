// The port between a log and the store that keeps its text: all that Postgres and Redis differ in.

import type { EndKind, RecordedEnd, StopRequest, ClaimRequest, WatchSignal } from "../../port/transport.ts";
import type { Outages } from "./outages.ts";

/** A stream of this transport: the id that callers have for it, and the store's name. */
export interface NamedStream {
  key: string;
  streamId: string;
}

/** A stream as the store has noted it. The clock of the store decides. */
export interface StreamRecord {
  epoch: number;
  /** Offset after the last character that is written. */
  tail: number;
  /** `lapsed`: nobody has ended it, and its producer's lease is over. */
  status: "running" | "lapsed" | EndKind;
  /** Whether the app is still to get its text, or is getting it; absent if not. */
  handover: "due" | "running" | undefined;
  /** How long its producer's lease lasts; absent once it has ended. */
  leaseMs: number | undefined;
  /** For how long it is known that somebody follows. */
  watchedMs: number;
}

/** A record, and text from the offset that was asked for. */
export interface StoredPage {
  record: StreamRecord;
  /** May be longer than what was asked for. Undefined if the store lacks text that its record counts. */
  text: string | undefined;
}

export interface PageRequest {
  key: string;
  /** The claim that its reader is bound to; undefined for whichever there is. */
  epoch: number | undefined;
  from: number;
  maxUnits: number;
  /** Whether text of a stream that has ended well is wanted as well. */
  isBound: boolean;
}

export interface ClaimAsk {
  mode: ClaimRequest["mode"];
  /** How often its text may be given to the app; null if the app doesn't want it. */
  handovers: number | null;
  /** The app no longer gets a text that it was still to get under this id. */
  isOwedGivenUp: boolean;
}

/** A claim that is won. */
export interface Claimed {
  epoch: number;
  /** Claims before it whose text the app hasn't got yet. */
  owedEpochs: readonly number[];
  /** Something stood there: whoever produced or follows it hasn't been told yet. */
  wasThere: boolean;
}

/** A run of text that is written whole or not at all, below what one row or entry may hold. */
export interface Piece {
  from: number;
  text: string;
}

/** One write of one stream. */
export interface Append {
  key: string;
  /** The claim that it is written under. */
  claimed: Claimed;
  pieces: readonly Piece[];
  /** The tail before. */
  from: number;
  /** The tail once these are written. */
  tail: number;
  /** Only with the last text. */
  end: EndKind | undefined;
  /** How often the app may still be given its text; noted with the end. */
  owed: number | null;
}

export type AppendAnswer =
  | {
      status: "written";
      isWatched: boolean;
      /** Somebody asked for it to be stopped. */ stop: { reason: string | undefined } | undefined;
    }
  /** Nothing was written: the log ends here, before or behind what was said. */
  | { status: "at"; tail: number }
  /** Somebody else holds its record: to be tried again, without holding up others. */
  | { status: "busy" }
  /** The record names another claim, or none. */
  | { status: "fenced" };

/** The text of a stream whose producer is dead, for whoever was elected to give it to the app. */
export interface Elected {
  epoch: number;
  end: EndKind;
  startedAtMs: number;
  /** Undefined if the store has lost some of it. */
  text: string | undefined;
}

/** What became of the text of a superseded claim. */
export type Owed =
  /** Whoever asked gives it to the app, and then tells `handedOver`. Undefined if the store has lost some of it. */
  | { status: "taken"; text: string | undefined }
  /** Somebody else gave it to the app, or gives it, and has `leaseMs` left for that. */
  | { status: "elsewhere"; leaseMs: number }
  /** The store doesn't know of that claim. */
  | { status: "unknown" };

/** A store tells it what it hears. */
export interface StoreListener {
  /** Producers of these should look at their records. */
  asked(hints: readonly string[]): void;
  /** Somebody follows these, and may not mark their records: their producers do. */
  followed(hints: readonly string[]): void;
  /** The store is back after a loss, and may have lost what it had. */
  reconnected(): void;
  /** `checkMs` has changed. */
  paceChanged(): void;
}

export interface StreamEar {
  close(): void;
}

/**
 * A store. Every promise settles within a deadline of the store's own, and rejects only with a `ResumableStreamError`. Calls
 * marked as a caller's reject within 50 ms while the store is known to be away.
 */
export interface LogStore {
  /** For messages: "Postgres". */
  readonly name: string;
  readonly outages: Outages;
  /** The most code units of text that one `append` carries, of all its streams together. */
  readonly maxAppendUnits: number;
  /** Whether what streams write travels apart, so that no stream's trouble is another's; if not, all of a process goes at once. */
  readonly isApart: boolean;
  /** Whether it may lose the record of a stream that runs, until its producer writes it again. */
  readonly mayForget: boolean;
  /** The most code units in a page. */
  readonly maxPageUnits: number;
  /** How often the records of followed streams are looked at, whatever is heard. */
  readonly checkMs: number;
  /** At most how seldom, once looks find nothing new. At least `checkMs`. */
  readonly idleCheckMs: number;

  /** Called once, before all else. */
  start(listener: StoreListener): void;
  keyOf(streamId: string): string;
  /** The name that messages have for a stream; two streams of one name cost a look, no more. */
  hintOf(key: string): string;

  /** A caller's. `undefined`: it isn't free. */
  claim(key: string, ask: ClaimAsk, onLate: (late: Claimed) => void): Promise<Claimed | undefined>;
  /** Tells the older producer, and its followers. */
  tellSuperseded(key: string, claimed: Claimed): Promise<void>;
  /** In the order of the appends. All of it may be repeated if its answer is lost. */
  append(appends: readonly Append[]): Promise<readonly AppendAnswer[]>;
  /** Whether an append failed for what one of its streams says, perhaps. Absent: there is one stream in each. */
  isRefusal?(error: unknown): boolean;
  /** Lets a claim go that nobody writes under: whoever looks finds it lapsed, and has nothing to hand over. */
  release(key: string, epoch: number): Promise<void>;

  read(request: PageRequest): Promise<StoredPage | undefined>;
  /** A caller's. */
  look(key: string): Promise<StreamRecord | undefined>;
  /** The records of followed streams, in order. */
  check(keys: readonly string[]): Promise<readonly (StreamRecord | undefined)[]>;
  /**
   * Tells the producers of these that somebody follows: of what this process follows, and its own for followers that may not.
   * Undefined for a record that somebody else holds. Absent: `read` and `check` do it.
   */
  mark?(followed: readonly string[], own: readonly string[]): Promise<readonly (StreamRecord | undefined)[]>;
  /** Whether a mark should be made anew. */
  needsMark(record: StreamRecord): boolean;
  /** A caller's. Notes that a stream should stop, and tells its producer. The epoch that was asked; undefined if none runs. */
  stop(key: string, request: StopRequest): Promise<number | undefined>;
  /** A caller's. */
  lastEnd(key: string): Promise<RecordedEnd | undefined>;

  /** Elects who gives the app what a dead producer left, or a live one failed to give. The stream is lost from here on. */
  elect(key: string, forMs: number): Promise<Elected | undefined>;
  /** Elects who gives the app what a superseded claim left. */
  takeOwed(key: string, epoch: number, forMs: number): Promise<Owed>;
  /** Notes whether the app has taken what either of them gave. A failure is tried once more. */
  handedOver(key: string, epoch: number, isTaken: boolean): Promise<void>;
  /** Followers everywhere look at a stream that counted as running until now. */
  tellMoved(key: string): void;

  /** Hears what is new of a stream, until closed. What comes is a hint: some of it may be missing. */
  listen(key: string, onSignal: (signal: WatchSignal) => void): StreamEar;
  /** This process has producers, until what this returns is called: `asked` is told of them. */
  hear(): () => void;

  /** Whether their owner has closed its connections, and not opened them anew. */
  readonly isClosed: boolean;
  reasonOf(error: unknown): string;
  close(): Promise<void>;
}
