// An answer as a response that useChat reads, and how a stop is told to it.

import { streamResponse, type StreamResponseOptions } from "../http/response.ts";
import type { EndKind } from "../port/transport.ts";
import { compactUIMessageChunks } from "./compact.ts";

/** The last chunk of an answer that was stopped, by which pages know it. */
export interface StopFinish {
  /**
   * AI SDK 7 knows `"interrupted"`, at which a page sends nothing of itself. 5 and 6 refuse it: give `"other"`.
   * @defaultValue "interrupted"
   */
  finishReason?: string;
  /** Merged into the message's metadata, on pages and where it is kept. @defaultValue none */
  messageMetadata?: unknown;
}

/**
 * Options of `streamResponse` that are left to the app, and how a stop is told. `compact` is `compactUIMessageChunks` unless
 * another is given.
 */
export interface UIMessageResponseOptions extends Omit<
  StreamResponseOptions,
  "format" | "atEnd" | "endEvent" | "offset"
> {
  /** The last chunk of an answer that was stopped. @defaultValue `{ finishReason: "interrupted" }` */
  stopFinish?: StopFinish;
}

/** The header by which pages know a UI message stream. */
const OWN_HEADERS = { "x-vercel-ai-ui-message-stream": "v1" };

/** The options of `streamResponse` for an answer of the AI SDK. */
export function responseOptions({
  stopFinish,
  headers,
  ...options
}: UIMessageResponseOptions): StreamResponseOptions {
  const all = new Headers(OWN_HEADERS);
  for (const [name, value] of new Headers(headers)) all.append(name, value);
  return { compact: compactUIMessageChunks, ...options, headers: all, atEnd: finishOfStop(stopFinish) };
}

/**
 * A response that `useChat` reads and resumes: events, heartbeats, and a `finish` if the answer was stopped.
 *
 * @param stream - a stream of a context's, of text that `uiMessageText` made; or what its calls give if there is none.
 * @param options - how it travels.
 * @example
 * return uiMessageResponse(await context.resumeExistingStream(id));
 *
 * @throws TypeError naming the argument that can't be used.
 */
export function uiMessageResponse(
  stream: ReadableStream<string> | null | undefined,
  options: UIMessageResponseOptions = {},
): Response {
  return streamResponse(stream, responseOptions(options));
}

/**
 * The option `atEnd` of responses and handlers of your own: a stopped answer says `finish`. Without it a page takes a stop for
 * an end, and sends what it has queued.
 *
 * @param finish - the chunk's fields.
 * @example
 * createResumeHandlers(context, { streamId, authorize, atEnd: finishOfStop() });
 */
export function finishOfStop({ finishReason = "interrupted", messageMetadata }: StopFinish = {}): (
  end: EndKind,
) => string {
  const finish = { type: "finish", finishReason, messageMetadata };
  return (end) => (end === "stopped" ? `data: ${JSON.stringify(finish)}\n\n` : "");
}
