// Server-sent events that a reader can resume: each event of the source's text passes as it is, and gets an `id:` that is
// the position at its end. Whole events only, so that what is added is never added inside a line.

import { positionEnding, markOf } from "../lib/position.ts";
import type { EndKind } from "../port/transport.ts";
import { Compaction, type Compactor, sentOf } from "./compaction.ts";
import { checkFirstLine } from "./first-line.ts";
import type { Framing } from "./framing.ts";

/** A larger event is passed on in parts, so that a text that isn't events takes no more memory than this. */
const MAX_HELD_UNITS = 65_536;
/** Comments that begin so are ours. One of the source's gets a second colon, so that it can't be mistaken. */
const OWN_COMMENT = ": resumable-stream";
const CAUGHT_UP = `${OWN_COMMENT} caught-up\n`;

export interface EventFramingOptions {
  /** Offset of the text's first character. */
  from: number;
  /** The claim that the text is of; gives undefined while it isn't known. Absent if there is none. */
  epoch?: (() => number | undefined) | undefined;
  /** Offset of the text's end when it was asked for: what comes up to it is replay. @defaultValue `from` */
  tail?: number | undefined;
  /** Which events of the replay become one. @defaultValue none do */
  compact?: Compactor | undefined;
  retryMs?: number | undefined;
  endEvent?: string | undefined;
}

export class EventFraming implements Framing {
  readonly format = "events";
  readonly #options: EventFramingOptions;
  readonly #tail: number;
  /** Holds events of the replay, and none from one push to the next; absent if none are to become one. */
  readonly #compaction: Compaction | undefined;
  /** Offset after the last character pushed. */
  #offset: number;
  /** Ends the ids of the text that is being pushed. */
  #idEnding = "";
  /** The claim that it names; undefined if none. */
  #epoch: number | undefined;
  /** Whole lines of the event under way, not passed on yet. */
  #event = "";
  /** The line under way, as far as it isn't passed on. */
  #line = "";
  /** A part of the line under way was passed on. */
  #isMidLine = false;
  /** A part of the event under way was passed on. */
  #isMidEvent = false;
  /** The event under way has a line. */
  #hasLine = false;
  /** The text so far ends with CR: an LF that comes next belongs to it. */
  #isAfterCr = false;
  /** The comment is out that tells the replay's end. */
  #isCaughtUp: boolean;
  /** The text's first line that isn't blank is still to come, or under way. */
  #isFirstLine: boolean;

  constructor(options: EventFramingOptions) {
    this.#options = options;
    this.#offset = options.from;
    this.#tail = options.tail ?? options.from;
    this.#isCaughtUp = this.#tail <= options.from;
    this.#compaction = options.compact && new Compaction(options.compact);
    // A text that is resumed may begin anywhere in a line.
    this.#isFirstLine = options.from === 0;
  }

  open(): string {
    const { epoch, from, retryMs } = this.#options;
    const known = epoch?.();
    const generation = known === undefined ? "" : ` generation=${markOf(known)}`;
    // First in the body always: a byte order mark in mid-text must not become the body's own after a resume.
    const retry = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
    const caughtUp = this.#isCaughtUp ? `${CAUGHT_UP}\n` : "";
    return `${OWN_COMMENT} offset=${from}${generation}\n${retry}\n${caughtUp}`;
  }

  /** Throws a TypeError if the text's first line shows that it isn't events. */
  push(text: string): string {
    if (text === "") return "";
    const epoch = this.#options.epoch?.();
    if (epoch !== this.#epoch) this.#idEnding = positionEnding(epoch);
    this.#epoch = epoch;
    const isStart = this.#offset === 0;
    this.#offset += text.length;
    // The text's own byte order mark would no longer be at the body's start, where it means nothing.
    const events = isStart && text.startsWith("\uFEFF") ? text.slice(1) : text;
    if (this.#isFirstLine) this.#isFirstLine = checkFirstLine(this.#line + events);
    return this.#scan(events);
  }

  heartbeat(): string {
    // Without a blank line, which would end an event that was passed on in part.
    return this.#isMidLine ? "" : `${OWN_COMMENT}\n`;
  }

  moved(): string {
    return this.#isMidLine ? "" : `${OWN_COMMENT} moved\n`;
  }

  /** Text that is `added` gets no id: it isn't of the stream's text, and a reader that comes back asks from that text's end. */
  close(end: EndKind, added = ""): string {
    const { endEvent } = this.#options;
    const event = endEvent === undefined ? "" : `event: ${endEvent}\ndata: ${end}\n\n`;
    // Before an event that the source left unfinished, which no reader may take for whole.
    const told = this.#isMidEvent ? "" : added + event;
    const isLineOpen = this.#isMidLine || this.#line !== "";
    const rest = this.#event + this.#escaped(this.#line);
    // A text that ends before the tail has none. Without a blank line, as an event may be unfinished.
    const caughtUp = this.#isCaughtUp ? "" : CAUGHT_UP;
    return `${told}${rest}${isLineOpen ? "\n" : ""}${caughtUp}${OWN_COMMENT} end=${end}\n`;
  }

  isWhere(other: Framing): boolean {
    return (
      other instanceof EventFraming &&
      other.#offset === this.#offset &&
      other.#isMidLine === this.#isMidLine &&
      other.#isMidEvent === this.#isMidEvent &&
      other.#hasLine === this.#hasLine &&
      other.#isAfterCr === this.#isAfterCr &&
      other.#isCaughtUp === this.#isCaughtUp &&
      other.#isFirstLine === this.#isFirstLine &&
      // Readers of a replay may have asked for different events of it.
      (this.#isCaughtUp || other.#options.compact === this.#options.compact) &&
      other.#line === this.#line &&
      other.#event === this.#event
    );
  }

  isCommonUpTo(to: number): boolean {
    // Ids of a text whose claim isn't known yet name none, and later ones do.
    const isNamed = (this.#options.epoch?.() ?? -1) >= 0;
    return isNamed && (this.#isCaughtUp || to < this.#tail);
  }

  moveTo(other: Framing): void {
    if (!(other instanceof EventFraming)) return;
    this.#offset = other.#offset;
    this.#isMidLine = other.#isMidLine;
    this.#isMidEvent = other.#isMidEvent;
    this.#hasLine = other.#hasLine;
    this.#isAfterCr = other.#isAfterCr;
    this.#isCaughtUp = other.#isCaughtUp;
    this.#isFirstLine = other.#isFirstLine;
    this.#line = other.#line;
    this.#event = other.#event;
  }

  release(): void {
    this.#line = "";
    this.#event = "";
  }

  copy(): EventFraming {
    const copy = new EventFraming(this.#options);
    copy.moveTo(this);
    return copy;
  }

  #scan(text: string): string {
    const isPlain = !this.#isMidEvent && !this.#isAfterCr && !text.includes("\r");
    // A comment that needs its second colon may begin in the line under way.
    if (isPlain && !(this.#line + text).includes(OWN_COMMENT)) return this.#scanPlain(text);
    const lines = this.#line + text;
    const lineEnd = /\r\n|\n|\r/g;
    lineEnd.lastIndex = this.#line.length;
    let passed = "";
    let start = 0;
    for (let match = lineEnd.exec(lines); match; match = lineEnd.exec(lines)) {
      const [end] = match;
      const isRestOfCrLf = this.#isAfterCr && match.index === 0 && end === "\n";
      this.#isAfterCr = false;
      // It ended the line before: of an event that was passed on already, nothing is left to say.
      if (isRestOfCrLf) this.#event += this.#event === "" ? "" : end;
      else passed += this.#endLine(lines.slice(start, match.index), end, lines.length - lineEnd.lastIndex);
      start = lineEnd.lastIndex;
    }
    this.#line = lines.slice(start);
    this.#isAfterCr = this.#line === "" && lines.endsWith("\r");
    return passed + this.#flush() + this.#caughtUpAt(this.#offset) + this.#overflow();
  }

  /** The same for text whose lines all end with LF and are sent as they are, an event at a time. */
  #scanPlain(text: string): string {
    const lines = this.#event + this.#line + text;
    let blankLine = Math.max(this.#event.length + this.#line.length - 1, 0);
    // Whole lines so far: those of the event under way may end with CR.
    let whole = this.#event.length;
    let passed = "";
    let start = 0;
    for (;;) {
      const isBlank = lines.startsWith("\n", start);
      const end = isBlank ? start : lines.indexOf("\n\n", blankLine) + 1;
      if (end === 0 && !isBlank) break;
      this.#event = lines.slice(start, end);
      this.#hasLine = !isBlank;
      start = end + 1;
      whole = start;
      blankLine = start;
      passed += this.#endEvent(this.#offset - (lines.length - start));
    }
    whole = Math.max(whole, lines.lastIndexOf("\n") + 1);
    this.#event = lines.slice(start, whole);
    this.#hasLine = whole > start;
    this.#line = lines.slice(whole);
    return passed + this.#flush() + this.#caughtUpAt(this.#offset) + this.#overflow();
  }

  /** A line has ended, `unitsAfter` units before the offset. Gives what can be passed on: an event, if the line is blank. */
  #endLine(line: string, end: string, unitsAfter: number): string {
    if (line !== "" || this.#isMidLine) {
      this.#event += this.#escaped(line) + end;
      this.#isMidLine = false;
      this.#hasLine = true;
      return "";
    }
    return this.#endEvent(this.#offset - unitsAfter);
  }

  /** The event under way has ended at offset `at`. Gives what can be passed on. */
  #endEvent(at: number): string {
    // Last of the event's lines: of two ids, readers take the later.
    const idLine = this.#hasLine ? `id: ${at}${this.#idEnding}\n` : "";
    const event = { lines: this.#event, idLine };
    const isWhole = !this.#isMidEvent;
    const isReplay = at <= this.#tail;
    const before = isReplay ? "" : this.#flush() + this.#caughtUpAt(at);
    this.#event = "";
    this.#hasLine = false;
    this.#isMidEvent = false;
    if (this.#compaction && isWhole && isReplay) return this.#compaction.add(event);
    return before + sentOf(event);
  }

  /** The events of the replay that are held. Live text is never held for what comes after it. */
  #flush(): string {
    return this.#compaction?.flush() ?? "";
  }

  /** The comment, at the first chance from the tail on. With a blank line: readers that split there alone see no event less. */
  #caughtUpAt(offset: number): string {
    if (this.#isCaughtUp || this.#isMidEvent || offset < this.#tail) return "";
    this.#isCaughtUp = true;
    return `${CAUGHT_UP}\n`;
  }

  #overflow(): string {
    if (this.#event.length + this.#line.length <= MAX_HELD_UNITS) return "";
    // A short piece of a line may still become a comment of our kind.
    const line = this.#line.length > OWN_COMMENT.length ? this.#line : "";
    const passed = this.#event + this.#escaped(line);
    this.#event = "";
    this.#isMidEvent = true;
    if (line !== "") {
      this.#line = "";
      this.#isMidLine = true;
      this.#hasLine = true;
    }
    return passed;
  }

  #escaped(line: string): string {
    return !this.#isMidLine && line.startsWith(OWN_COMMENT) ? `:${line}` : line;
  }
}
