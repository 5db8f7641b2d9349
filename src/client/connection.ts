// One attempt at the stream, and what became of it.

import type { Received } from "./received.ts";

export interface Connection {
  /** Of the request; what was answered is cancelled by its reader. */
  abort: AbortController;
  /** All that follow are absent until the answer is there. */
  reader?: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  received?: Received;
  openedAt?: number;
  /** A read is under way. */
  isReading?: boolean;
}

/** Nothing that it still brings is of use. */
export function letGo(connection: Connection | undefined): undefined {
  connection?.abort.abort();
  // A body that broke can't be cancelled.
  connection?.reader?.cancel().catch(() => {});
}
