// What users of every entry see of a context and its streams.

export type { EndKind } from "../port/transport.ts";

declare global {
  /** As Node's types declare it, for compilers that are given neither these nor a library that has it. */
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** What `makeStream` is told about the stream it makes. */
export interface MakeStreamContext {
  /** The id that the caller named. */
  streamId: string;
  /** Aborted when the stream is stopped, or when nobody can read it any more. Never because a reader left. */
  signal: AbortSignal;
}

/**
 * Makes the source: a stream of strings, or a promise of one. Called by exactly one of all concurrent callers; the others
 * follow. It is read as fast as it gives, whether anybody reads or not. Where it throws, all readers get `SOURCE_FAILED`.
 *
 * @example
 * const makeStream: MakeStream = ({ signal }) =>
 *   new ReadableStream({
 *     async start(controller) {
 *       for await (const token of tokens({ signal })) controller.enqueue(token);
 *       controller.close();
 *     },
 *   });
 */
export type MakeStream = (
  context: MakeStreamContext,
) => ReadableStream<string> | Promise<ReadableStream<string>>;

/** Which stream to stop, and why. */
export interface StopOptions {
  /**
   * Given to the source as the reason of its cancellation. `signal` aborts with an `AbortError`, whose message it is. Over a
   * relay it is cut after 200 characters if it travels to another process. @defaultValue "stopped"
   */
  reason?: string;
  /**
   * Stops this generation of the stream or nothing, so that a late press of Stop never ends the next answer. The mark is in
   * the header `stream-generation`, and `generationOf(stream)` gives it. @defaultValue whatever runs
   */
  generation?: string;
}

/** The last text that ended well under an id. */
export interface LastEnd {
  /** Its mark, as `generationOf` gave it. */
  generation: string;
  /** In UTF-16 code units. */
  length: number;
  /** Whether its source ended by itself, or was stopped. */
  end: "done" | "stopped";
}

/** How a context is closed. */
export interface CloseOptions {
  /**
   * For how long the streams that run here may go on, in milliseconds, before they are ended. New ones aren't begun
   * meanwhile. @defaultValue 0
   */
  drainMs?: number;
}

/** Creates, follows and ends streams. Ids are names, not credentials: check who may read before you ask. */
export interface ResumableStreamContext {
  /**
   * Produces the stream, or follows it if it already runs.
   *
   * @param streamId - the stream's name: a non-empty string without lone surrogates.
   * @param makeStream - makes the source. Called only if this call becomes the producer.
   * @param skipCharacters - where to start following, in UTF-16 code units (`String.length`), or a position that names the
   *   generation too (`"1204.k3f9x2"`): then this call follows that text or rejects, and never produces. A caller that becomes
   *   the producer gets the whole text. Left out, it is 0; but 0 counts as named if `whenUnavailable` decides.
   * @returns the text, or `null` if the stream is done. The stream errors with `SOURCE_FAILED`, `TEXT_TOO_LONG` (in the
   *   producer's process, beyond `maxBytes`), `PRODUCER_LOST`, `TRANSPORT_UNAVAILABLE` or `CLOSED`; one that closes was whole, or
   *   stopped.
   * @throws TypeError naming the argument that can't be used.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE` (see `whenUnavailable`), `CLOSED`; `PRODUCER_LOST` if one
   *   producer after the other died while the call waited, or if the named generation is gone; over Postgres `SCHEMA_MISSING`.
   * @example
   * const stream = await context.resumableStream("chat-1", ({ signal }) => makeAnswer(signal), offset);
   * if (!stream) return new Response(null, { status: 204 }); // Done: read it from where you stored it.
   * return new Response(stream.pipeThrough(new TextEncoderStream()));
   */
  resumableStream: (
    streamId: string,
    makeStream: MakeStream,
    skipCharacters?: number | string,
  ) => Promise<ReadableStream<string> | null>;
  /**
   * Produces the stream without asking whether it exists; a stream of that id that still runs is superseded.
   *
   * @param streamId - the stream's name: a non-empty string without lone surrogates.
   * @param makeStream - makes the source.
   * @param skipCharacters - accepted for compatibility and unused: a new stream starts at 0.
   * @returns the text from its start. `null` is in the type for compatibility, and never comes.
   * @throws TypeError naming the argument that can't be used.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE` (see `whenUnavailable`), `CLOSED`; over Postgres `SCHEMA_MISSING`.
   * @example
   * const stream = await context.createNewResumableStream("chat-1", ({ signal }) => makeAnswer(signal));
   */
  createNewResumableStream: (
    streamId: string,
    makeStream: MakeStream,
    skipCharacters?: number | string,
  ) => Promise<ReadableStream<string> | null>;
  /**
   * Follows a stream that runs.
   *
   * @param streamId - the stream's name.
   * @param skipCharacters - where to start, in UTF-16 code units: the length of the text that the reader has. Past the
   *   tail, it waits for live text. Or a position that names the generation too, `"1204.k3f9x2"`: another one's text counts as
   *   none. Left out, it is 0.
   * @returns the text from there on, `null` if the stream is done, `undefined` if there is none. The stream errors
   *   with `SOURCE_FAILED`, `TEXT_TOO_LONG` (in the producer's process, beyond `maxBytes`), `PRODUCER_LOST`, `TRANSPORT_UNAVAILABLE` or `CLOSED`.
   * @throws TypeError naming the argument that can't be used.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE`, `CLOSED`; over Postgres `SCHEMA_MISSING`.
   * @example
   * const stream = await context.resumeExistingStream("chat-1", textSoFar.length);
   * if (stream === undefined) return new Response(null, { status: 404 });
   */
  resumeExistingStream: (
    streamId: string,
    skipCharacters?: number | string,
  ) => Promise<ReadableStream<string> | null | undefined>;
  /**
   * Whether there is a stream of this id. Over Redis its producer is asked, so one that died counts for none.
   *
   * @param streamId - the stream's name.
   * @returns `null` if there is no stream, `true` if one runs, `"DONE"` if it has ended.
   * @throws TypeError if `streamId` can't be used.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE`, `CLOSED`.
   */
  hasExistingStream: (streamId: string) => Promise<null | true | "DONE">;
  /**
   * Stops a stream from any process: its source is cancelled, its readers get the text so far and a clean end, and its
   * id is done.
   *
   * @param streamId - the stream's name.
   * @param options - why.
   * @returns whether a running stream was stopped: its source is cancelled by then, in whatever process it runs. Over a pub/sub
   *   server `false` may come of a producer that can't be heard, which the request reaches later: it stops then.
   * @throws TypeError where `streamId` can't be used.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE`, `CLOSED`; over Postgres `SCHEMA_MISSING`.
   * @example
   * await context.stopStream("chat-1", { reason: "the user pressed stop" });
   */
  stopStream: (streamId: string, options?: StopOptions) => Promise<boolean>;
  /**
   * Which text a stream that is done had: a reader that has as much of it has all.
   *
   * @param streamId - the stream's name.
   * @returns null if none ended well under this id, or if that isn't known any more.
   * @throws TypeError if `streamId` can't be used.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE`, `CLOSED`; over Postgres `SCHEMA_MISSING`.
   */
  lastEnd: (streamId: string) => Promise<LastEnd | null>;
  /**
   * Ends what runs here and closes the clients this context made. With `drainMs` the streams of this process get that time
   * to end by themselves. What is cut then is `PRODUCER_LOST` for its readers, here and elsewhere, and its id is set free.
   * Readers of a stream that another process produces error with `CLOSED` at once: over HTTP they connect again. Settles
   * about 5 s after the drain, plus `onEndTimeoutMs` if there is an `onEnd`. Never rejects, and may be called again:
   * a second call without `drainMs` ends the drain.
   *
   * @param options - how long to drain.
   * @throws TypeError if `drainMs` can't be used.
   * @example
   * process.once("SIGTERM", () => context.close({ drainMs: 20_000 }).then(() => server.close()));
   */
  close: (options?: CloseOptions) => Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * A context over a store that keeps the text: a stream outlives its producer. Where that ended badly or died,
 * `resumeExistingStream` gives the text that is left and ends cleanly; so does `resumableStream` with `skipCharacters`
 * given, 0 included; without it, the text is discarded and the stream starts anew.
 */
export interface DurableStreamContext extends Omit<ResumableStreamContext, "hasExistingStream"> {
  /**
   * Whether there is a stream of this id.
   *
   * @param streamId - the stream's name.
   * @returns `null` if there is no stream, `true` if one runs, `"DONE"` if it has ended, `"failed"` if its
   *   producer ended badly or died, and its text is left.
   * @throws TypeError if `streamId` can't be used.
   * @throws ResumableStreamError `TRANSPORT_UNAVAILABLE`, `SCHEMA_MISSING`, `CLOSED`.
   */
  hasExistingStream: (streamId: string) => Promise<null | true | "DONE" | "failed">;
}
