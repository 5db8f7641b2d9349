// The port between the engine and a backend: all that either knows of the other.

/**
 * How a stream ended.
 *
 * - `done`: the source ended by itself.
 * - `failed`: the source errored, or `makeStream` threw.
 * - `stopped`: by `stopStream`.
 * - `lost`: its producer died, or was superseded by a newer one.
 */
export type EndKind = "done" | "failed" | "stopped" | "lost";

/** A run of a stream's text as its producer has it. Offsets are UTF-16 code units since the start of the stream. */
export interface Slice {
  /** Offset of the first character of `text`. */
  from: number;
  /** Any UTF-16 code units, also half of a surrogate pair. */
  text: string;
  /** Offset after the last character the stream had when the slice was made. */
  tail: number;
  /** Present once the stream has ended, at `tail`. */
  end?: EndKind;
}

/** A slice that travelled. Its epoch says which producer it is of: a higher one supersedes a lower one. */
export interface Page extends Slice {
  /** Of the claim that the text was written under. */
  epoch: number;
}

/** What a read learned. */
export type ReadResult =
  | { status: "page"; page: Page }
  /** There is no such stream, or its id was set free. */
  | { status: "absent" }
  /** The stream has ended well, and its text is gone. */
  | {
      status: "done";
      /** Which text that was, for a reader that named its producer; absent if that isn't known. */
      last?: RecordedEnd | undefined;
    }
  /** The producer died, and its text with it. */
  | { status: "lost" };

/** What a transport may ask of a producer whose claim it holds. None of these throw or block. */
export interface ProducerPort {
  /** As much of the text from `from` as `maxUnits` allow. Starts one earlier if that would split a surrogate pair. */
  read(from: number, maxUnits: number): Slice;
  /** Somebody follows, or nobody does any more. A relay's producer appends only while watched. */
  watched(isWatched: boolean): void;
  /** Somebody asked for the stream to be stopped. */
  stop(reason: string | undefined): void;
  /** A higher epoch exists: nothing this producer writes counts any more. */
  fenced(): void;
}

/** The right to write a stream, held by its producer. */
export interface Claim {
  /** Higher than that of every claim of the stream before. */
  readonly epoch: number;
  /**
   * Moves text to the backend. `take` gives what is unsent at the moment the transport is ready to write. The engine has at
   * most one append in flight for a claim; one that failed is not repeated: followers of a relay read what they miss, and a
   * log repeats it by itself before it settles.
   */
  append(take: () => Slice): Promise<void>;
  /**
   * Whether another has handed over, or will hand over, what this superseded producer's claim has: asked before it hands over
   * itself, so that the app gets it once. Absent: nobody else can. Rejecting means no.
   */
  isHandedOver?(): Promise<boolean>;
  /** The app is given the text from here on, whatever becomes of the claim: nobody else has to. */
  handingOver?(): void;
  /** The app has taken the text, or failed to: called before `finish` if it wants it, so that a log can have it tried again. */
  handedOver?(isTaken: boolean): void;
  /** The source has ended while an append is in flight: one that gathers text for later writes it now. Doesn't throw. */
  ending?(): void;
  /**
   * Writes the last text and the end, stays for followers that still catch up, and lets go of everything. Called once.
   * `onWritten` is called as soon as the backend tells everybody the end: readers wait for it, 250 ms at most. A transport
   * that doesn't call it has them wait until the promise settles.
   */
  finish(take: () => Slice, onWritten?: () => void): Promise<void>;
}

/** Which claim is asked for, and by whom. */
export interface ClaimRequest {
  /**
   * `if-free`: only if nobody produces and the stream isn't done; the text of a failed stream is discarded.
   * `if-absent`: the same, but a failed stream whose text is kept is left to be read. `supersede`: whatever there is.
   */
  mode: "if-free" | "if-absent" | "supersede";
  /** The producer, which is asked for text, and told of what happens to the claim. */
  producer: ProducerPort;
  /** Whether the app wants what ends: a log notes that it is owed, for whoever finds the producer dead. Absent: no. */
  isOwed?: boolean;
  /**
   * Called if the claim is won after all, once the promise was rejected for want of an answer. True if it is still wanted: then
   * it is the producer's like any other. The transport sets the id free if it isn't, or if this is absent.
   */
  onLate?: (claim: Claim) => boolean;
}

/** What became of a claim: won, or there is a producer already, or the stream has ended well. */
export type ClaimResult = { status: "won"; claim: Claim } | { status: "running" } | { status: "done" };

/** What a follower asks for. */
export interface ReadRequest {
  /** Offset of the first character wanted. */
  from: number;
  /** The most UTF-16 code units that are wanted. */
  maxUnits: number;
  /**
   * The producer the follower is bound to: tells one of a lower epoch that it was superseded. Absent: the follower is new,
   * and a stream that has ended well is `done` to it.
   */
  epoch: number | undefined;
  /** A stream that has ended well is read like any other, by a follower that is new too. Of no meaning to a relay. Absent: no. */
  replays?: boolean;
}

/** Which producer is asked to stop, and why. */
export interface StopRequest {
  /** Given to the source; absent if the caller gave none. */
  reason: string | undefined;
  /** The claim to stop, and no other, whatever happens meanwhile. Absent: whichever runs. */
  epoch: number | undefined;
}

/** The last text that ended well under an id. */
export interface RecordedEnd {
  /** The claim that it was written under. */
  epoch: number;
  /** Its length, in UTF-16 code units. */
  tail: number;
  /** Whether its source ended by itself, or was stopped. */
  end: "done" | "stopped";
}

/** What a watch hears. `missed`: something may have been lost (a reconnect); read again. */
export type WatchSignal = { type: "page"; page: Page } | { type: "missed" };

/** A follower's ear on a stream, open until closed. Pages come in any order, twice or never: a read tells the truth. */
export interface Watch {
  /** Resolves once signals will arrive, and a read may be made. */
  ready: Promise<void>;
  /** Nothing is heard any more. May be called again. */
  close(): void;
}

/** `failed`: the producer ended badly or died, and a log still has its text. */
export type StreamStatus = "absent" | "running" | "done" | "failed";

/** What a stream's record says, true or not. `epoch`: the claim it names, if it names one. */
export type Peek = { status: "absent" | "done" } | { status: "running"; epoch: number | undefined };

/**
 * A backend. Every promise settles within a deadline of the transport's own, and rejects only with a
 * `ResumableStreamError` (`TRANSPORT_UNAVAILABLE`, `CLOSED`) or, for a mistake in its set-up, a `TypeError`.
 */
export interface Transport {
  /** Whether the backend keeps the text itself (a log), or passes it on while the producer lives (a relay). */
  readonly keepsText: boolean;
  /** How much followers ask for in one read, in UTF-16 code units. Less than that in a page wastes the reads for what comes after. @defaultValue 65,000 */
  readonly pageUnits?: number;
  /** Becomes the producer of a stream, atomically: of any number at once, one wins. */
  claim(streamId: string, request: ClaimRequest): Promise<ClaimResult>;
  /** What is true of a stream: `running` only with proof that its producer lives. */
  status(streamId: string): Promise<StreamStatus>;
  /** The record alone, without that proof: cheap, to be followed by a read. `running` unasked if the read tells all. */
  peek(streamId: string): Promise<Peek>;
  /** Listens to what is new of a stream. */
  watch(streamId: string, onSignal: (signal: WatchSignal) => void): Watch;
  /** The one way text is attached to, replayed, repaired and caught up with. Only while a watch is open and ready. */
  read(streamId: string, request: ReadRequest): Promise<ReadResult>;
  /** Whether a running stream was stopped. */
  stop(streamId: string, request: StopRequest): Promise<boolean>;
  /**
   * Which text a stream that is done had, so that a reader of another one is told apart; undefined if it isn't known. Absent:
   * it never is.
   */
  lastEnd?(streamId: string): Promise<RecordedEnd | undefined>;
  /** Ends what this transport opened. Later calls reject with `CLOSED`. */
  close(): Promise<void>;
}
