// How text becomes a response's body, apart from bytes and time.

import type { EndKind } from "../port/transport.ts";

/** Turns a stream's text into a body's. Fed in order, from the offset the stream starts at. */
export interface Framing {
  readonly format: "events" | "text";
  /** What the body begins with, before any text has come. */
  open(): string;
  push(text: string): string;
  /** What keeps a silent connection alive; empty if nothing may be inserted. */
  heartbeat(): string;
  /** What is left, what is `added` to it, and the end's mark if the format has one. */
  close(end: EndKind, added?: string): string;
  /** Says before the body breaks off that the stream goes on elsewhere; empty if nothing may be inserted. */
  moved(): string;

  // For readers of one text, which share what is made of it.

  /** Whether both are at the same place, so that they make the same of all text to come. Their ends may differ. */
  isWhere(other: Framing): boolean;
  /** Whether what is made of the text up to offset `to` is the same for all that are at this place. */
  isCommonUpTo(to: number): boolean;
  /** Goes on from the place of `other`. */
  moveTo(other: Framing): void;
  /** Lets go of the text it holds, until it is moved: that of a whole page may hang on it. */
  release(): void;
  /** One of its own at the same place. */
  copy(): Framing;
}

/** Text as it is: nothing can be added that isn't text. */
export const plainFraming: Framing = {
  format: "text",
  open: () => "",
  push: (text) => text,
  heartbeat: () => "",
  close: () => "",
  moved: () => "",
  isWhere: (other) => other === plainFraming,
  isCommonUpTo: () => true,
  moveTo: () => {},
  release: () => {},
  copy: () => plainFraming,
};
