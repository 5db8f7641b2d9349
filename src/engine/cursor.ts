// A reader in the producer's own process: a position in its backlog, as a stream.

import type { EndKind } from "../port/transport.ts";
import type { Backlog } from "./backlog.ts";
import { type DirectReader, trackEnd } from "./ends.ts";

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
  let isClosed = false;

  const close = (how: "cancelled" | "ended"): void => {
    isClosed = true;
    backlog.forget(onMoved);
    tellEnd(how === "ended" ? endKind() : undefined);
    onClosed(how, next);
  };

  const advance = (opened: ReadableStreamDefaultController<string>): void => {
    if (isClosed) return;
    const text = backlog.textFrom(next, MAX_READ_UNITS);
    if (text !== "") {
      next += text.length;
      opened.enqueue(text);
    } else if (backlog.end === undefined) {
      backlog.onceMoved(onMoved);
    } else {
      const error = endError();
      close("ended");
      if (error) opened.error(error);
      else opened.close();
    }
  };

  /** One function for all waits: a stream waits for each of its chunks. */
  const onMoved = (): void => {
    if (controller) advance(controller);
  };

  /** Absent once another reads in the stream's place: what is kept of this reader keeps no stream alive. */
  let controller: ReadableStreamDefaultController<string> | undefined;
  /** Absent until then. */
  let direct: DirectReader | undefined;
  const fail = (error: Error): void => {
    if (isClosed) return;
    close("ended");
    controller?.error(error);
    direct?.onFailed(error);
  };

  const takeOver = (): DirectReader | undefined => {
    if (isClosed || next !== from) return undefined;
    controller = undefined;
    direct = {
      text: backlog,
      from,
      end: (at) => {
        const error = endError();
        next = at;
        if (!isClosed) close("ended");
        return error;
      },
      leave: () => {
        if (!isClosed) close("cancelled");
      },
      onFailed: () => undefined,
    };
    return direct;
  };

  const stream = new ReadableStream<string>(
    {
      start: (opened) => {
        controller = opened;
      },
      pull: advance,
      cancel: () => {
        if (!isClosed) close("cancelled");
      },
    },
    // Nothing waits in the stream's own queue: an error there would discard text the reader hasn't seen.
    { highWaterMark: 0 },
  );
  const tellEnd = trackEnd(stream, { from, epoch, tail: () => tail, takeOver });
  return { stream, fail };
}
