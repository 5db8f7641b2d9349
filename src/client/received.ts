// What one connection brings of a stream: the text to hand on, and the position to go on from.

import { EVENTS, isOther, markOf, offsetOf, type Position, positionOf, typeOf } from "./answer.ts";
import { type EndKind, ending, type Verdict } from "./reconnect.ts";

/** The comments of our server begin so, and nothing of a source's does. */
const OWN_BEGINNING = "\n: resumable-stream offset=";
/** A line more is for others: `retry:`. */
const opening = /^\n: resumable-stream offset=(\d+)(?: generation=(\w+))?.*\n(?:.+\n)?\n/;
/** The last line of an event is its id; those of the source come before. */
const ownId = /[\r\n]id: (\d+(?:\.\w+)?)$/;
const ownComments = /([\r\n])(?:: resumable-stream(?! caught).*\n)+/g;
/** Between two events, or before the end. */
const caughtUpMark = /\n: resumable-stream caught-up\n(?:\n|(?=:))/;
const endMark = /[\r\n]: resumable-stream (?:moved|end=(done|stopped|failed|lost))\n/;
/** Units at the end of text that isn't handed on, which are looked at again with the next: more than a line of ours has. */
const LOOKED_AT_AGAIN = 256;

export interface Taken {
  /** Handed on at once, and never again. */
  pieces: (string | Uint8Array<ArrayBuffer>)[];
  /** How many of the pieces were there when the server was asked; absent if it hasn't said so, or has before. */
  old?: number;
  /** The server told the end, or what it sends isn't the rest of the text; absent if it goes on. */
  verdict?: Verdict | undefined;
}

export interface ReceivedOptions {
  /** Of the answer. */
  headers: Headers;
  /** Where the connection begins. */
  position: Position;
  /** A first answer may be of any server and begin anywhere in its text. `own`: only our server's events are taken, whatever the type says. */
  from: "anywhere" | "here" | "own";
}

export class Received {
  /** After all that was handed on. */
  position: Position;
  /** The server says where its answers begin. */
  readonly isOurs: boolean;
  /**
   * `own`: events of our server, whose ids count. `events`: those of others, whose text counts. Both are handed on whole.
   * `text`: all is handed on, and counted. `unknown` until an event stream has begun: ours begin with a comment.
   */
  kind: "unknown" | "own" | "events" | "text";
  /** The server goes away, and the stream goes on elsewhere. */
  isMoved = false;
  readonly #from: ReceivedOptions["from"];
  /** Not handed on, and looked through: the beginning of an event. */
  #held = "";
  #isCaughtUp = false;
  /** No character was cut by the end of what came. */
  #isWhole = true;
  /** The unit before, by which the beginning of a line is known; and what is looked at again. */
  #rest = "\n";
  // A byte order mark is a character of the text like any other. Half a character at a cut is forgotten: it comes again.
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor({ headers, position, from }: ReceivedOptions) {
    this.position = positionOf(offsetOf(position), headers.get("stream-generation") ?? markOf(position));
    this.isOurs = headers.has("stream-offset");
    this.kind = from === "own" || typeOf(headers) === EVENTS ? "unknown" : "text";
    this.#from = from;
  }

  /** Only events of our server are taken. */
  get mustBeOwn(): boolean {
    return this.#from === "own";
  }

  /** Text that isn't handed on, and is lost with the connection. */
  get left(): string {
    return this.#held + this.#rest.slice(1);
  }

  push(bytes: Uint8Array<ArrayBuffer>): Taken {
    const text = this.#utf8.decode(bytes, { stream: true });
    if (this.kind === "text") return this.#pass(text, bytes);
    this.#rest += text;
    return this.kind === "unknown" ? this.#open() : this.#take();
  }

  /** Bytes of whole characters are handed on as they came: they are the text's own. */
  #pass(text: string, bytes: Uint8Array<ArrayBuffer>): Taken {
    const wasWhole = this.#isWhole;
    const last = bytes[bytes.length - 1];
    if (last !== undefined) this.#isWhole = last < 0x80;
    const taken = this.#move([text]);
    return wasWhole && this.#isWhole && !taken.verdict ? { pieces: [bytes] } : taken;
  }

  #open(): Taken {
    const text = this.#rest;
    const [own, offset = "", generation] = opening.exec(text) ?? [];
    if (own) {
      this.kind = "own";
      this.#rest = text.slice(own.length - 1);
      if (this.#from !== "anywhere" && Number(offset) !== offsetOf(this.position)) return elsewhere;
      const { verdict } = this.#move([], positionOf(offset, generation));
      return verdict ? { pieces: [], verdict } : this.#take();
    }
    const mayBeOwn = OWN_BEGINNING.startsWith(text.slice(0, OWN_BEGINNING.length));
    if (mayBeOwn && text.length < LOOKED_AT_AGAIN) return { pieces: [] };
    const mark = this.isOurs && markOf(this.position);
    const first = mark ? afterBlankLine(text) : 0;
    if (first === 1) return { pieces: [] };
    const [, id = ""] = lastId(text.slice(0, first));
    // Headers of ours, and ids, but no comment: a client of ours stands between, which takes comments out.
    const isOwn = mark && markOf(id) === mark;
    if (this.#from === "own" && !isOwn) return elsewhere;
    this.kind = isOwn ? "own" : "events";
    return this.#take();
  }

  /** To a position, or else by what is handed on; unless it is of another text. */
  #move(pieces: string[], to?: Position): Taken {
    const { position } = this;
    const next = to ?? String(offsetOf(position) + pieces.join("").length);
    const mark = markOf(next);
    if (isOther(mark, position)) return { pieces: [], verdict: ending("lost") };
    this.position = positionOf(offsetOf(next), mark ?? markOf(position));
    return { pieces };
  }

  #take(): Taken {
    const mark = this.kind === "own" && !this.#isCaughtUp && caughtUpMark.exec(this.#rest);
    if (!mark) return this.#events();
    this.#isCaughtUp = true;
    const after = this.#rest.slice(mark.index + mark[0].length);
    this.#rest = this.#rest.slice(0, mark.index + 1);
    const { pieces, verdict } = this.#events();
    this.#rest += after;
    const { pieces: added, ...rest } = verdict ? { pieces: [], verdict } : this.#events();
    return { ...rest, pieces: [...pieces, ...added], old: pieces.length };
  }

  /** Whole events. */
  #events(): Taken {
    const isOwn = this.kind === "own";
    // Looked for as they are rare: a search for a text costs less than one for a pattern.
    const hasOwn = isOwn && this.#rest.includes(": resumable-stream");
    const end = hasOwn ? endMark.exec(this.#rest) : null;
    const own = (): string => this.#rest.slice(0, end ? end.index + 1 : undefined).replace(ownComments, "$1");
    const text = hasOwn ? own() : this.#rest;
    const [whole, id] = isOwn ? lastId(text) : [afterBlankLine(text)];
    const pieces: string[] = [];
    if (whole > 1) {
      // The last event by itself. A pipe writes it once its reader has taken all that came before; so an error that follows
      // finds none of it on its way, however slow that reader is.
      const last = afterBlankLine(text.slice(0, whole - 1));
      const before = text.slice(1, last);
      // Held back is its beginning, if no other event ends here: cut in two it might be cut within a surrogate pair.
      if (before === "") pieces.push(this.#held + text.slice(last, whole));
      else pieces.push(this.#held + before, text.slice(last, whole));
      this.#held = "";
    }
    const kept = Math.max(whole, text.length - LOOKED_AT_AGAIN);
    this.#held += text.slice(whole, kept);
    this.#rest = text.slice(kept - 1);
    const taken = this.#move(pieces, isOwn ? (id ?? this.position) : undefined);
    if (!end || taken.verdict) return taken;
    const [, how] = end;
    if (!how) {
      this.isMoved = true;
      return taken;
    }
    // The last event may be unfinished, as the source left it.
    return { pieces: [...pieces, this.left], verdict: ending(how as EndKind) };
  }
}

const elsewhere: Taken = { pieces: [], verdict: { code: "NOT_RESUMED" } };

/** Where the last whole event ends, and the position that its id is; 1 if there is none. */
function lastId(text: string): [number, Position?] {
  for (let at = text.lastIndexOf("\n\n"); at > 0; at = text.lastIndexOf("\n\n", at - 1)) {
    const [, id] = ownId.exec(text.slice(Math.max(0, at - 64), at)) ?? [];
    if (id) return [at + 2, id];
  }
  return [1];
}

/** Where the last event ends, of any server's; 1 if none does. A lone CR after an LF is left for the next one. */
function afterBlankLine(text: string): number {
  // Each is looked for through all of a text that has none: for CR alone that costs next to nothing.
  const blanks = text.includes("\r") ? ["\n\n", "\n\r\n", "\r\r"] : ["\n\n"];
  return Math.max(
    ...blanks.map((blank) => {
      const at = text.lastIndexOf(blank);
      return at < 0 ? 1 : at + blank.length;
    }),
  );
}
