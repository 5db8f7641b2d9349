// The readers of a stream in its producer's own process: cursors over its backlog, and what they are told at its end.

import type { ResumableStreamError } from "../port/errors.ts";
import type { EndKind } from "../port/transport.ts";
import type { Backlog } from "./backlog.ts";
import { type Cursor, type CursorOptions, openCursor } from "./cursor.ts";
import { followerLostError } from "./producer-errors.ts";

export interface LocalReadersOptions {
  streamId: string;
  backlog: Backlog;
  /** The claim that the text is of; undefined while there is none. */
  epoch: () => number | undefined;
}

export class LocalReaders {
  readonly #options: LocalReadersOptions;
  /** Each ends a follower early. Without their streams, which nobody may hold any more. */
  readonly #followers = new Set<Cursor["fail"]>();
  /** The error that ends readers here, of a stream that failed or that its context cut; absent otherwise. */
  failure: ResumableStreamError | undefined;

  constructor(options: LocalReadersOptions) {
    this.#options = options;
  }

  /** How many follow, beside the original reader. */
  get followers(): number {
    return this.#followers.size;
  }

  /** The original reader's stream, from offset 0. */
  openPrimary(onLeft: () => void): ReadableStream<string> {
    return this.#open(0, (how) => {
      if (how === "cancelled") onLeft();
    }).stream;
  }

  openFollower(from: number, onEnded: (end: EndKind, offset: number) => void): ReadableStream<string> {
    const { stream, fail }: Cursor = this.#open(from, (how, offset) => {
      this.#followers.delete(fail);
      if (how === "ended") onEnded(this.#endKind(), offset);
    });
    this.#followers.add(fail);
    return stream;
  }

  /** Ends the followers early: the original reader goes on. */
  dropFollowers(error: ResumableStreamError): void {
    for (const fail of this.#followers) fail(error);
  }

  #open(from: number, onClosed: CursorOptions["onClosed"]): Cursor {
    const { backlog, epoch } = this.#options;
    return openCursor({
      backlog,
      from,
      epoch,
      endError: () => this.#endError(),
      endKind: () => this.#endKind(),
      onClosed,
    });
  }

  #endError(): ResumableStreamError | undefined {
    const { end } = this.#options.backlog;
    if (end !== "failed" && end !== "lost") return undefined;
    return this.failure ?? followerLostError(this.#options.streamId);
  }

  /** Of one that is dropped while the source runs on: it has lost its producer. */
  #endKind(): EndKind {
    return this.#options.backlog.end ?? "lost";
  }
}
