// A reader in the producer's own process: a position in its backlog, as a stream.

import type { EndKind } from "../port/transport.ts";
import type { Backlog } from "./backlog.ts";
import { trackEnd } from "./ends.ts";

/** One read of a local reader gives no more than this, so that a late reader doesn't block the process. */
const MAX_READ_UNITS = 65_536;

export interface CursorOptions {
  backlog: Backlog;
  /** Offset to start from. */
  from: number;
  /** The claim that the text is of; undefined while there is none. */
  epoch: () => number | undefined;
  /** The error to end with if the stream didn't end well; absent for a clean end. */
  endError: () => Error | undefined;
  /** How the stream ends for a reader that gets the end now. */
  endKind: () => EndKind;
  /** The reader left, or got the end. */
  onClosed: (how: "cancelled" | "ended", offset: number) => void;
}

export interface Cursor {
  stream: ReadableStream<string>;
  /** Ends the reader early, after what it has already been given. */
  fail: (error: Error) => void;
}

export function openCursor({ backlog, from, epoch, endError, endKind, onClosed }: CursorOptions): Cursor {
  let next = from;
  const { tail } = backlog;
  let stopWaiting: () => void = () => {};
  let isClosed = false;

  const close = (how: "cancelled" | "ended"): void => {
    isClosed = true;
    stopWaiting();
    tellEnd(how === "ended" ? endKind() : undefined);
    onClosed(how, next);
  };

  const advance = (controller: ReadableStreamDefaultController<string>): void => {
    if (isClosed) return;
    const { text } = backlog.read(next, MAX_READ_UNITS);
    if (text !== "") {
      next += text.length;
      controller.enqueue(text);
    } else if (backlog.end === undefined) {
      stopWaiting = backlog.onceMoved(() => advance(controller));
    } else {
      const error = endError();
      close("ended");
      if (error) controller.error(error);
      else controller.close();
    }
  };

  let fail: (error: Error) => void = () => {};
  const stream = new ReadableStream<string>(
    {
      start: (controller) => {
        fail = (error) => {
          if (isClosed) return;
          close("ended");
          controller.error(error);
        };
      },
      pull: (controller) => {
        stopWaiting();
        advance(controller);
      },
      cancel: () => {
        if (!isClosed) close("cancelled");
      },
    },
    // Nothing waits in the stream's own queue: an error there would discard text the reader hasn't seen.
    { highWaterMark: 0 },
  );
  const tellEnd = trackEnd(stream, { from, epoch, tail: () => tail });
  return { stream, fail };
}
