// What commands ask of a server, whatever its kind.

import type { TableNames } from "../../transports/postgres/schema.ts";
import type { StreamEvent } from "../../api/common-options.ts";
import type { EndKind, DurableStreamContext } from "../../api/types.ts";
import type { ReadResult, Transport } from "../../port/transport.ts";
import type { Facts } from "../print.ts";

export interface StoreOptions {
  url: string;
  tables: TableNames;
  keyPrefix?: string;
  retentionSeconds?: number;
  onError: (error: Error) => void;
}

export interface Store {
  /** All streams under the prefix, in no order. Each has `streamId` and `status` among its facts. */
  list: () => AsyncIterable<StreamFacts>;
  /** Undefined if there is none. */
  show: (streamId: string) => Promise<StreamFacts | undefined>;
  /** Follows what runs, or reads what is kept. */
  tail: (streamId: string, from: number) => Promise<Tail>;
  /** False if nothing runs. */
  stop: (streamId: string) => Promise<boolean>;
  /** Produces and follows; over Redis without keeping the text there. */
  context: DurableStreamContext;
  /** Removes what is known of a stream that has ended. */
  remove: (streamId: string) => Promise<void>;
  close: () => Promise<void>;
}

/** Told to the producer. */
export const STOP = { reason: "resumable-stream stop" };

export type StreamFacts = Facts & { streamId: string; status: string };

export type Tail =
  | {
      status: "text";
      stream: ReadableStream<string>;
      /** How it ended; absent before. */
      end: () => EndKind | undefined;
    }
  /** It has ended well, and its text is gone. */
  | { status: "done" }
  | { status: "absent" };

/** Remembers the end of the follower that a command opens. */
export class LastEnd {
  /** Absent until the stream has ended. */
  end: EndKind | undefined;
  readonly onEvent = (event: StreamEvent): void => {
    if (event.type === "ended" && event.role === "follower") this.end = event.end;
  };
}

export async function follow(
  { context, transport, last }: { context: DurableStreamContext; transport: Transport; last: LastEnd },
  { streamId, from }: { streamId: string; from: number },
): Promise<Tail> {
  const stream = await context.resumeExistingStream(streamId, from);
  if (stream) return { status: "text", stream, end: () => last.end };
  if (stream === undefined) return { status: "absent" };
  return transport.keepsText ? readKept(transport, { streamId, from }) : { status: "done" };
}

/** The text of a stream that has ended, which a log keeps and `resumeExistingStream` doesn't give any more. */
async function readKept(
  transport: Transport,
  { streamId, from }: { streamId: string; from: number },
): Promise<Tail> {
  let next = from;
  let end: EndKind | undefined;
  /** Of the text that was begun; absent before. */
  let epoch: number | undefined;
  const read = (): Promise<ReadResult> =>
    // Any epoch: a follower that is bound is given the text of a stream that is done.
    transport.read(streamId, { from: next, maxUnits: MAX_PAGE_UNITS, epoch: 0 });
  const stream = new ReadableStream<string>(
    {
      pull: async (controller) => {
        const result = await read();
        const page = result.status === "page" ? result.page : undefined;
        epoch ??= page?.epoch;
        // The id was produced anew meanwhile: the rest of what was begun is gone.
        if (page?.epoch !== epoch) {
          end = "lost";
          return controller.close();
        }
        if (page && page.text !== "") {
          next += page.text.length;
          controller.enqueue(page.text);
          return;
        }
        end = page?.end ?? "lost";
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return { status: "text", stream, end: () => end };
}

const MAX_PAGE_UNITS = 65_536;
