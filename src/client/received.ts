// What one connection brings of a stream: the text to hand on, and the position to go on from.

import { isOther, type Position } from "./answer.ts";
import { type End, ending, type Verdict } from "./reconnect.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** The comments of our server begin so, and nothing of a source's does. */
const OWN_COMMENT = ": resumable-stream";
const OWN_BEGINNING = `${OWN_COMMENT} offset=`;
/** A line more is for others: `retry:`. */
const opening = /^.* offset=(\d+)(?: generation=(\w+))?.*\n(?:.+\n)?\n/;
/** The last line of an event is its id; those of the source come before. */
const ownId = /(?:^|[\r\n])id: (\d+)(?:\.(\w+))?$/;
const endMark = / end=(done|stopped|failed|lost)$/;
/** Of bytes that aren't handed on, so many are looked at again with the next ones: more than a line of ours has. */
const LOOKED_AT_AGAIN = 256;
const NONE: Bytes = new Uint8Array();
/** A unit for each byte: what is found in the one is at the same place in the other. */
const latin1 = new TextDecoder("latin1");

export interface Taken {
  /** Handed on at once, and never again. */
  pieces: Bytes[];
  /** The server told the end, or what it sends isn't the rest of the text; absent if it goes on. */
  verdict?: Verdict | undefined;
}

export interface ReceivedOptions {
  /** Where the connection begins. */
  position: Position;
  isEventStream: boolean;
  /** Whose events these are: a first answer's may be anybody's and begin anywhere. `own`: ours alone. */
  from: "anywhere" | "here" | "own";
}

export class Received {
  /** After all that was handed on. */
  position: Position;
  /**
   * `own`: events of our server, whose ids count. `events`: those of others, whose text counts. Both are handed on whole.
   * `text`: all is handed on, and counted. `unknown` until an event stream has begun: ours begin with a comment.
   */
  kind: "unknown" | "own" | "events" | "text";
  readonly #from: ReceivedOptions["from"];
  /** Not handed on, and looked through: the beginning of an event. */
  #held: Bytes[] = [];
  /** Comes after what is held, and is looked at again. */
  #rest = NONE;
  /** A line begins with `#rest`. */
  #isAtLine = true;
  // A byte order mark is a character of the text like any other.
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor({ position, isEventStream, from }: ReceivedOptions) {
    this.position = position;
    this.kind = isEventStream ? "unknown" : "text";
    this.#from = from;
  }

  /** What isn't handed on, and is lost with the connection. */
  get left(): Bytes {
    return joined([...this.#held, this.#rest]);
  }

  push(bytes: Bytes): Taken {
    if (this.kind === "text") return this.#count(bytes);
    const all = joined([this.#rest, bytes]);
    return this.kind === "unknown" ? this.#open(all) : this.#take(all);
  }

  #open(bytes: Bytes): Taken {
    this.#rest = bytes;
    const text = latin1.decode(bytes.subarray(0, LOOKED_AT_AGAIN));
    const [beginning, offset, generation] = opening.exec(text) ?? [];
    const mayBeOwn = OWN_BEGINNING.startsWith(text.slice(0, OWN_BEGINNING.length));
    if (!mayBeOwn || (!beginning && text.length === LOOKED_AT_AGAIN)) {
      if (this.#from === "own") return elsewhere;
      this.kind = "events";
      return this.#take(bytes);
    }
    if (!beginning) return { pieces: [] };
    this.kind = "own";
    if (this.#from !== "anywhere" && Number(offset) !== this.position.offset) return elsewhere;
    return this.#move({ offset: Number(offset), generation }) ?? this.#take(bytes.subarray(beginning.length));
  }

  /** Says so if it would be into another text. */
  #move(to: Position): Taken | undefined {
    if (isOther(to.generation, this.position)) return { pieces: [], verdict: ending("lost") };
    this.position = { offset: to.offset, generation: to.generation ?? this.position.generation };
    return undefined;
  }

  #count(bytes: Bytes): Taken {
    const text = this.#utf8.decode(bytes, { stream: true });
    this.#move({ offset: this.position.offset + text.length });
    return { pieces: [new TextEncoder().encode(text)] };
  }

  /** Whole events. */
  #take(all: Bytes): Taken {
    const isOwn = this.kind === "own";
    const { bytes, text, end } = isOwn ? withoutOwnComments(all, this.#isAtLine) : asItIs(all);
    const [whole, position] = isOwn ? lastId(text) : [afterBlankLine(text), undefined];
    const pieces: Bytes[] = [];
    if (whole > 0) {
      // The last event by itself. A pipe writes it once its reader has taken all that came before; so an error that follows
      // finds none of it on its way, however slow that reader is.
      const last = isOwn ? afterLast("\n\n", text.slice(0, whole - 1)) : whole;
      pieces.push(joined([...this.#held, bytes.subarray(0, last)]), bytes.slice(last, whole));
      this.#held = [];
      this.#isAtLine = true;
    }
    const units = (): number => pieces.reduce((sum, piece) => sum + this.#utf8.decode(piece).length, 0);
    const isLost = this.#move(position ?? { offset: this.position.offset + (isOwn ? 0 : units()) });
    if (isLost) return isLost;
    const kept = Math.max(whole, bytes.length - LOOKED_AT_AGAIN);
    if (kept > whole) {
      this.#held.push(bytes.slice(whole, kept));
      this.#isAtLine = false;
    }
    // A copy: whoever reads may transfer what was handed on.
    this.#rest = bytes.slice(kept);
    // The last event may be unfinished, as the source left it.
    return end ? { pieces: [...pieces, this.left], verdict: ending(end) } : { pieces };
  }
}

const elsewhere: Taken = { pieces: [], verdict: { code: "NOT_RESUMED" } };

/** Where the last whole event ends, and the position that its id is; 0 and undefined if there is none. */
function lastId(text: string): [number, Position | undefined] {
  for (let at = text.lastIndexOf("\n\n"); at > 0; at = text.lastIndexOf("\n\n", at - 1)) {
    const [, offset, generation] = ownId.exec(text.slice(Math.max(0, at - 64), at)) ?? [];
    if (offset) return [at + 2, { offset: Number(offset), generation }];
  }
  return [0, undefined];
}

interface Looked {
  bytes: Bytes;
  /** A unit for each of them. */
  text: string;
  end?: End | undefined;
}

function asItIs(bytes: Bytes): Looked {
  return { bytes, text: latin1.decode(bytes) };
}

/** Without lines of ours that carry no text; and without all that follows the one that tells the end. */
function withoutOwnComments(bytes: Bytes, isAtLine: boolean): Looked {
  const looked = asItIs(bytes);
  const { text } = looked;
  const parts: Bytes[] = [];
  let from = 0;
  for (let at = text.indexOf(OWN_COMMENT); at >= 0; at = text.indexOf(OWN_COMMENT, at + 1)) {
    const isLine = at > 0 ? /[\r\n]/.test(text.charAt(at - 1)) : isAtLine;
    const lineEnd = text.indexOf("\n", at);
    if (!isLine || lineEnd < 0) continue;
    parts.push(bytes.subarray(from, at));
    from = lineEnd + 1;
    const end = endMark.exec(text.slice(at, lineEnd))?.[1] as End | undefined;
    if (end) return { ...asItIs(joined(parts)), end };
  }
  return parts.length > 0 ? asItIs(joined([...parts, bytes.subarray(from)])) : looked;
}

/** Where the last event ends, of any server's; 0 if none does. A lone CR after an LF is left for the next one. */
function afterBlankLine(text: string): number {
  return Math.max(...["\n\n", "\n\r\n", "\r\r"].map((blank) => afterLast(blank, text)));
}

/** 0 if it isn't in the text. */
function afterLast(part: string, text: string): number {
  const at = text.lastIndexOf(part);
  return at < 0 ? 0 : at + part.length;
}

function joined(parts: readonly Bytes[]): Bytes {
  const filled = parts.filter(({ length }) => length > 0);
  if (filled.length === 1) return filled[0] ?? NONE;
  const bytes = new Uint8Array(filled.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of filled) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
