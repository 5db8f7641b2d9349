// Route handlers that resume and stop a stream.

import { checkFunction } from "../api/options.ts";
import type { LastEnd, ResumableStreamContext } from "../api/types.ts";
import { endBeforeOf, startOf, tailOf } from "../engine/ends.ts";
import type { EndKind } from "../port/transport.ts";
import { answerOf, forbidden, isOutage, refusalOf, type StatusHeader } from "./answer.ts";
import { requestedGeneration, requestedPosition } from "./position.ts";
import { checkResponseOptions, streamResponse, type StreamResponseOptions } from "./response.ts";

/** A line's last character and two line ends are at most this and one more. */
const END_UNITS = 4;

/** Which stream a request is for, and who may have it. `Rest`: what the framework passes besides the request. */
export interface ResumeHandlersOptions<Rest extends readonly unknown[] = []> extends Omit<
  StreamResponseOptions,
  "offset" | "signal"
> {
  /** The request's stream; null if there is nothing to resume. */
  streamId: (
    request: Request,
    ...rest: Rest
  ) => string | null | undefined | Promise<string | null | undefined>;
  /**
   * Whether this request may read and stop the stream: ids are names, not credentials. Asked before anything is answered, also
   * if there is nothing to resume (`streamId` is null then): whether a chat is being answered is for its owner to know. Only
   * `true` is a yes. A response of yours is sent as it is; anything else answers 403.
   */
  authorize: (
    request: Request,
    streamId: string | null,
    ...rest: Rest
  ) => boolean | Response | Promise<boolean | Response>;
}

/** The part of a context that the handlers use. */
export type StreamsOfHandlers = Pick<
  ResumableStreamContext,
  "resumeExistingStream" | "stopStream" | "lastEnd"
> & {
  /** Whether there is one: null if not. */
  hasExistingStream: (streamId: string) => Promise<unknown>;
};

/** Two handlers on `Request` and `Response`, for one route. */
export interface ResumeHandlers<Rest extends readonly unknown[] = []> {
  /** Resumes from the request's `Last-Event-ID`, or else from its `?resumeAt=`, or else from the start. */
  GET: (request: Request, ...rest: Rest) => Promise<Response>;
  /** Stops the stream, or with `?generation=` that generation of it and no other. */
  DELETE: (request: Request, ...rest: Rest) => Promise<Response>;
}

/**
 * Makes the route's handlers. `GET` answers 200 with the stream's text, 204 if there is nothing to resume, 400 for a
 * position that is none, 403 if `authorize` says no, 410 if the reader has a part of a text that is gone, and 503 if the
 * backend gave no answer. `DELETE` answers 200 if it stopped the stream, and 204 if none ran. The header `stream-status`
 * says which case it is.
 *
 * @param context - whose streams they are.
 * @param options - `streamId` and `authorize` are required; the others are those of `streamResponse`.
 * @example
 * export const { GET, DELETE } = createResumeHandlers(context, {
 *   streamId: (request) => new URL(request.url).searchParams.get("id"),
 *   authorize: (request, streamId) => mayRead(request, streamId),
 * });
 *
 * @throws TypeError naming the option that can't be used.
 */
export function createResumeHandlers<Rest extends readonly unknown[] = []>(
  context: StreamsOfHandlers,
  options: ResumeHandlersOptions<Rest>,
): ResumeHandlers<Rest> {
  const { streamId: streamIdOf, authorize, ...responseOptions } = options;
  checkFunction("streamId", streamIdOf);
  checkFunction("authorize", authorize);
  checkResponseOptions(responseOptions);

  const { headers: added, atEnd } = responseOptions;
  const empty = (status: number, streamStatus: StatusHeader, last?: LastEnd | null): Response =>
    answerOf(status, {
      own: {
        "stream-status": streamStatus,
        ...(last && { "stream-offset": String(last.length), "stream-generation": last.generation }),
      },
      added,
    });

  const whereAllowed =
    (answer: (streamId: string, request: Request) => Promise<Response>) =>
    async (request: Request, ...rest: Rest): Promise<Response> => {
      const streamId = (await streamIdOf(request, ...rest)) || null;
      const refusal = forbidden(await authorize(request, streamId, ...rest), added);
      if (refusal) return refusal;
      if (streamId === null) return empty(204, "absent");
      try {
        return await answer(streamId, request);
      } catch (error) {
        if (!isOutage(error)) throw error;
        return empty(503, "unavailable");
      }
    };

  return {
    GET: whereAllowed(async (streamId, request) => {
      const position = requestedPosition(request);
      if (position === "bad") {
        return refusalOf(400, "Last-Event-ID and resumeAt take a position: 1204, or 1204.k3f9x2.\n", added);
      }
      const from = position?.text ?? 0;
      const hasNone = !position || (position.offset === 0 && position.epoch === undefined);
      const stream = await context.resumeExistingStream(streamId, from);
      if (stream) {
        const end = endBeforeOf(stream);
        // An EventSource that is given nothing new would come back for ever.
        const again = (): Promise<Given> => context.resumeExistingStream(streamId, from);
        const hasAll =
          end !== undefined &&
          (isAtTail(stream) || (isEventSource(request) && !(await hasEvent(await again()))));
        if (!hasAll) {
          const response = streamResponse(stream, { ...responseOptions, signal: request.signal });
          return request.method === "HEAD" ? withoutBody(response) : response;
        }
        await stream.cancel();
        // A reader that has none of a text has lost nothing.
        if (isBad(end)) return hasNone ? empty(204, "absent") : empty(410, end);
      }
      // A reader that has a part learns whether it is all: a connection may close cleanly before the end.
      if (stream !== undefined) {
        const last = position && (await context.lastEnd(streamId));
        return empty(204, last && atEnd?.(last.end) ? "missed" : (last?.end ?? "done"), last);
      }
      // A reader with a part of a text knows that there was a stream.
      if (hasNone) return empty(204, "absent");
      const isOther = position.epoch !== undefined && (await context.hasExistingStream(streamId)) !== null;
      return empty(410, isOther ? "superseded" : "lost");
    }),
    DELETE: whereAllowed(async (streamId, request) => {
      const generation = requestedGeneration(request);
      if (generation === "bad") {
        return refusalOf(400, "generation takes the mark of the header stream-generation.\n", added);
      }
      const { mark } = generation;
      const isStopped = await context.stopStream(streamId, mark === undefined ? {} : { generation: mark });
      return isStopped ? empty(200, "stopped") : empty(204, "absent");
    }),
  };
}

type Given = ReadableStream<string> | null | undefined;

function isBad(end: EndKind | undefined): end is "failed" | "lost" {
  return end === "failed" || end === "lost";
}

/** Whether a stream had no text to give when it was opened. */
function isAtTail(stream: ReadableStream<string>): boolean {
  return (startOf(stream) ?? 0) >= (tailOf(stream) ?? Infinity);
}

/** Its place is the last id that it was given, and after an end it asks until it is answered with something else than 200. */
function isEventSource({ headers }: Request): boolean {
  return headers.has("last-event-id") || headers.get("accept") === "text/event-stream";
}

/** Whether what is left of a stream that has ended has an event that gets an id. */
async function hasEvent(stream: Given): Promise<boolean> {
  let last = "";
  for await (const piece of stream ?? []) {
    const text = last + piece;
    if (/[^\r\n](?:\r\n|\r(?!\n)|\n){2}/.test(text)) return true;
    // However long the source's last event is that it never ended: to be given that again is nothing new.
    last = text.slice(-END_UNITS);
  }
  return false;
}

/** Frameworks call GET for HEAD and drop the body unread: what it follows would be followed on. */
async function withoutBody({ headers, body }: Response): Promise<Response> {
  // If the stream broke off meanwhile there is nothing left to cancel, and GET would answer 200 too.
  await body?.cancel().catch(() => undefined);
  return new Response(null, { headers });
}
