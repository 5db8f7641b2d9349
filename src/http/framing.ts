// How text becomes a response's body, apart from bytes and time.

import type { EndKind } from "../port/transport.ts";

/** Turns a stream's text into a body's. Fed in order, from the offset the stream starts at. */
export interface Framing {
  /** What the body begins with, before any text has come. */
  open(): string;
  push(text: string): string;
  /** What keeps a silent connection alive; empty if nothing may be inserted. */
  heartbeat(): string;
  /** What is left, what is `added` to it, and the end's mark if the format has one. */
  close(end: EndKind, added?: string): string;
  /** Says before the body breaks off that the stream goes on elsewhere; empty if nothing may be inserted. */
  moved(): string;
}

/** Text as it is: nothing can be added that isn't text. */
export const plainFraming: Framing = {
  open: () => "",
  push: (text) => text,
  heartbeat: () => "",
  close: () => "",
  moved: () => "",
};
