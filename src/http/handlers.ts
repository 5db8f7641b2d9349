// Route handlers that resume and stop a stream.

import { ResumableStreamError } from "../api/errors.ts";
import { checkFunction } from "../api/options.ts";
import type { ResumableStreamContext } from "../api/types.ts";
import { endOf, startOf } from "../engine/journeys.ts";
import type { EndKind } from "../transports/transport.ts";
import { requestedOffset } from "./offset.ts";
import { streamResponse, type StreamResponseOptions } from "./response.ts";

/** Which stream a request is for, and who may have it. `Rest`: what the framework passes besides the request. */
export interface ResumeHandlersOptions<Rest extends readonly unknown[] = []> extends Omit<
  StreamResponseOptions,
  "offset"
> {
  /** The request's stream; null where there is nothing to resume. */
  streamId: (
    request: Request,
    ...rest: Rest
  ) => string | null | undefined | Promise<string | null | undefined>;
  /**
   * Whether this request may read and stop the stream: ids are names, not credentials. False answers 403; a response of
   * yours is sent as it is.
   */
  authorize: (
    request: Request,
    streamId: string,
    ...rest: Rest
  ) => boolean | Response | Promise<boolean | Response>;
}

/** Two handlers on `Request` and `Response`, for one route. */
export interface ResumeHandlers<Rest extends readonly unknown[] = []> {
  /** Resumes from the request's `Last-Event-ID`, or else from its `?resumeAt=`, or else from the start. */
  GET: (request: Request, ...rest: Rest) => Promise<Response>;
  /** Stops the stream. */
  DELETE: (request: Request, ...rest: Rest) => Promise<Response>;
}

/** What the header `stream-status` says. */
type StreamStatus = "running" | "done" | "absent" | "failed" | "lost" | "stopped" | "unavailable";

/**
 * Makes the route's handlers. `GET` answers 200 with the stream's text, 204 where there is nothing to resume, 400 for an
 * offset that is none, 403 where `authorize` says no, 410 where the reader has a part of a stream that is gone, and 503
 * where the backend gave no answer. `DELETE` answers 200 where it stopped the stream, and 204 where none ran. The header
 * `stream-status` says which case it is.
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
  context: Pick<ResumableStreamContext, "resumeExistingStream" | "stopStream">,
  options: ResumeHandlersOptions<Rest>,
): ResumeHandlers<Rest> {
  const { streamId: streamIdOf, authorize, ...responseOptions } = options;
  checkFunction("streamId", streamIdOf);
  checkFunction("authorize", authorize);

  const whereAllowed =
    (answer: (streamId: string, request: Request) => Promise<Response>) =>
    async (request: Request, ...rest: Rest): Promise<Response> => {
      const streamId = await streamIdOf(request, ...rest);
      if (streamId === null || streamId === undefined || streamId === "") return empty(204, "absent");
      const allowed = await authorize(request, streamId, ...rest);
      if (allowed instanceof Response) return allowed;
      if (!allowed) return new Response("This stream isn't yours to read.\n", { status: 403 });
      return unlessUnavailable(answer(streamId, request));
    };

  return {
    GET: whereAllowed(async (streamId, request) => {
      const offset = requestedOffset(request);
      if (offset === "bad") {
        const message = "Last-Event-ID and resumeAt take an offset: a whole number from 0.\n";
        return new Response(message, { status: 400 });
      }
      const stream = await context.resumeExistingStream(streamId, offset ?? 0);
      if (stream) {
        const end = await endKnown(stream);
        // The reader has all there is of it: an EventSource would come back for ever.
        const hasAll =
          isBad(end) && (await isEmpty(await context.resumeExistingStream(streamId, offset ?? 0)));
        if (!hasAll) return streamResponse(stream, responseOptions);
        await stream.cancel();
        return empty(410, end);
      }
      if (stream === null) return empty(204, "done");
      // Whoever has a part of a text knows that there was a stream; whoever has none has lost nothing.
      return offset !== undefined && offset > 0 ? empty(410, "lost") : empty(204, "absent");
    }),
    DELETE: whereAllowed(async (streamId) => {
      const isStopped = await context.stopStream(streamId);
      return isStopped ? empty(200, "stopped") : empty(204, "absent");
    }),
  };
}

/** How a stream has ended that is only replayed; undefined for one that runs. */
function endKnown(stream: ReadableStream<string>): Promise<EndKind | undefined> {
  const isOurs = startOf(stream) !== undefined;
  return Promise.race([isOurs ? endOf(stream) : undefined, Promise.resolve(undefined)]);
}

function isBad(end: EndKind | undefined): end is "failed" | "lost" {
  return end === "failed" || end === "lost";
}

/** Of a stream whose end is known, and which therefore waits for nothing. */
async function isEmpty(stream: ReadableStream<string> | null | undefined): Promise<boolean> {
  const reader = stream?.getReader();
  if (!reader) return false;
  try {
    const { done } = await reader.read();
    if (!done) await reader.cancel();
    return done;
  } catch {
    // It gave its end in place of text.
    return true;
  }
}

async function unlessUnavailable(answer: Promise<Response>): Promise<Response> {
  try {
    return await answer;
  } catch (error) {
    const isOutage =
      error instanceof ResumableStreamError &&
      (error.code === "TRANSPORT_UNAVAILABLE" || error.code === "CLOSED");
    if (!isOutage) throw error;
    return empty(503, "unavailable");
  }
}

function empty(status: number, streamStatus: StreamStatus): Response {
  const headers = new Headers({
    "cache-control": "no-store",
    "stream-status": streamStatus,
    "access-control-expose-headers": "stream-status",
  });
  if (status === 503) headers.set("retry-after", "1");
  return new Response(null, { status, headers });
}
