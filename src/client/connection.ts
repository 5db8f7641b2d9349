// One attempt at the stream, and what became of it.

import { type Position, typeOf } from "./answer.ts";
import { Received, type ReceivedOptions } from "./received.ts";

export interface Connection {
  /** Of the request; what was answered is cancelled by its reader. */
  abort: AbortController;
  /** All that follow are absent until the answer is there. */
  reader?: ReadableStreamDefaultReader<Uint8Array> | undefined;
  received?: Received;
  /** The server says where its answers begin. */
  isOurs?: boolean;
  openedAt?: number;
  /** A read is under way. */
  isReading?: boolean;
}

export interface Opening extends Pick<ReceivedOptions, "from"> {
  /** Where it was asked to begin. */
  position: Position;
  openedAt: number;
}

export function open(
  { body, headers }: Response,
  { from, position, openedAt }: Opening,
): Partial<Connection> {
  const generation = headers.get("stream-generation") ?? position.generation;
  const isEventStream = typeOf(headers) === "text/event-stream";
  return {
    reader: body?.getReader(),
    isOurs: headers.has("stream-offset"),
    openedAt,
    received: new Received({ position: { offset: position.offset, generation }, isEventStream, from }),
  };
}

/** Nothing that it still brings is of use. */
export function letGo(connection: Connection | undefined): undefined {
  connection?.abort.abort();
  // One that broke can't be cancelled.
  connection?.reader?.cancel().catch(() => {});
}
