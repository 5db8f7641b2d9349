// What of a stream was received, over however many connections: the text to hand on, and the offset to go on from.

import type { End } from "./reconnect.ts";

/** The comments of our server begin so, and nothing of a source's does. */
const OWN_BEGINNING = ": resumable-stream offset=";
/** A line more is for others: `retry:`. */
const opening = /^: resumable-stream offset=(\d+)\n(?:.+\n)?\n/;
/** The last line of an event is its id; those of the source come before. */
const eventEnd = /(?<=^|[\r\n])id: (\d+)\n\n/g;
const ownComments = /(?<=^|[\r\n]): resumable-stream.*\n/g;
const endMark = /(?<=^|[\r\n]): resumable-stream end=(\w+)\n/;

export interface Taken {
  /** Handed on at once, and never again. */
  text: string;
  /** How the stream ended: the server told, or what it sends doesn't continue what was received. */
  end?: End | undefined;
}

/** The stream that was received is gone. */
const OTHER_TEXT: Taken = { text: "", end: "lost" };

export class Received {
  /** Where a next connection has to start: after all that was handed on. */
  offset: number;
  /**
   * `characters`: all text is handed on, and counted. `events`: whole events are, and their ids count. Known once an event
   * stream has begun: ours begin with a comment.
   */
  #mode: "unknown" | "events" | "characters";
  /** The connection's beginning was seen. */
  #isOpen = false;
  /** Not handed on yet: an event that isn't whole. */
  #held = "";

  constructor({ offset, isEventStream }: { offset: number; isEventStream: boolean }) {
    this.offset = offset;
    this.#mode = isEventStream ? "unknown" : "characters";
  }

  /** Whether a clean close is an end: our own events always tell theirs, and whoever says less has ended. */
  get endsByClosing(): boolean {
    return this.#mode === "characters";
  }

  /** A new connection begins, at `offset`; what was held comes again. */
  reconnect(): void {
    this.#isOpen = false;
    this.#held = "";
  }

  push(text: string): Taken {
    if (this.#mode === "characters") return this.#count(text);
    this.#held += text;
    return this.#isOpen ? this.#take() : this.#open();
  }

  #open(): Taken {
    const [beginning, offset] = opening.exec(this.#held) ?? [];
    if (!beginning) return this.#openOther();
    if (this.#mode === "events" && Number(offset) !== this.offset) return OTHER_TEXT;
    this.#mode = "events";
    this.#isOpen = true;
    this.offset = Number(offset);
    this.#held = this.#held.slice(beginning.length);
    return this.#take();
  }

  /** The beginning isn't whole yet, or isn't ours. */
  #openOther(): Taken {
    const known = this.#held.slice(0, OWN_BEGINNING.length);
    if (OWN_BEGINNING.startsWith(known)) return { text: "" };
    if (this.#mode === "events") return OTHER_TEXT;
    this.#mode = "characters";
    return this.#count(this.#held);
  }

  #count(text: string): Taken {
    this.offset += text.length;
    return { text };
  }

  #take(): Taken {
    let whole = 0;
    for (const match of this.#held.matchAll(eventEnd)) {
      whole = match.index + match[0].length;
      this.offset = Number(match[1]);
    }
    const events = this.#held.slice(0, whole);
    this.#held = this.#held.slice(whole);
    const mark = endMark.exec(this.#held);
    // The last event may be unfinished, as the source left it.
    const rest = this.#held.slice(0, mark?.index ?? 0);
    return { text: (events + rest).replace(ownComments, ""), end: mark?.[1] as End | undefined };
  }
}
