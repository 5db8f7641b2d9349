/**
 * Why an operation failed. Codes are API and never change meaning; messages may.
 *
 * - `PRODUCER_LOST`: the stream's producer died, or another took the stream over; the rest of its text can't come.
 * - `SOURCE_FAILED`: the source errored, or `makeStream` threw. For the producer itself `cause` is the source's error.
 * - `TEXT_TOO_LONG`: the source gave more than `maxBytes`. For readers of other processes it is a `SOURCE_FAILED`.
 * - `FENCED`: this producer was superseded by a newer claim of the same stream.
 * - `TRANSPORT_UNAVAILABLE`: the backend gave no answer in time.
 * - `SCHEMA_MISSING`: the database lacks the tables, or has those of an older version. The message names the command.
 * - `MALFORMED_MESSAGE`: a foreign message on one of our channels was ignored. Told once per channel.
 * - `WAIT_UNTIL_FAILED`: `waitUntil` threw; the stream runs on without it.
 * - `ON_END_FAILED`: `onEnd` threw, rejected, or took longer than `onEndTimeoutMs`; its stream has ended all the same.
 * - `CLOSED`: the context was closed.
 */
export type ResumableStreamErrorCode =
  | "PRODUCER_LOST"
  | "SOURCE_FAILED"
  | "TEXT_TOO_LONG"
  | "FENCED"
  | "TRANSPORT_UNAVAILABLE"
  | "SCHEMA_MISSING"
  | "MALFORMED_MESSAGE"
  | "WAIT_UNTIL_FAILED"
  | "ON_END_FAILED"
  | "CLOSED";

/**
 * Every failure this library reports, told apart by `code`. A caller's mistake is a plain `TypeError` instead. The message
 * names the stream and holds no text; `cause` is the error of your source or client, and may hold what those put there. The message
 * of a `SOURCE_FAILED` that readers in the producer's process get quotes that of the source's error, which may quote text.
 *
 * @example
 * if (error instanceof ResumableStreamError && error.code === "TRANSPORT_UNAVAILABLE") return retryLater();
 */
export class ResumableStreamError extends Error {
  /** Any copy's are: what is imported is another build than what is required. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== ResumableStreamError) return Function.prototype[Symbol.hasInstance].call(this, value);
    if (typeof value !== "object" || value === null) return false;
    return "name" in value && value.name === "ResumableStreamError" && "code" in value;
  }

  /** Tells the class by its name, also if a program has two copies of it. */
  override readonly name = "ResumableStreamError";
  /** What failed. */
  readonly code: ResumableStreamErrorCode;

  /** Made by this library. */
  constructor(code: ResumableStreamErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** `error` if it is one of ours, else one with this code and message, caused by it. */
export function asResumableStreamError(
  error: unknown,
  code: ResumableStreamErrorCode,
  message: string,
): ResumableStreamError {
  return error instanceof ResumableStreamError
    ? error
    : new ResumableStreamError(code, message, { cause: error });
}
