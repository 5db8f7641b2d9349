/**
 * Why a response's body broke off for good. Codes never change meaning; messages may.
 *
 * - `SOURCE_FAILED`: the stream's source failed; the body has all that there was.
 * - `PRODUCER_LOST`: the stream's producer died, or another took the stream over; the rest can't come.
 * - `MISSED_END`: the stream ended while this reader was away, and the server no longer has the text. Load it from where
 *   it is stored.
 * - `REFUSED`: the server refused to resume; `status` says how. 200: it answered with another media type, a login page say.
 * - `UNREACHABLE`: so many attempts in a row brought nothing.
 */
export type ResumableFetchErrorCode =
  | "SOURCE_FAILED"
  | "PRODUCER_LOST"
  | "MISSED_END"
  | "REFUSED"
  | "UNREACHABLE";

/**
 * What a body errors with once no attempt can help.
 *
 * @example
 * if (error instanceof ResumableFetchError && error.code === "MISSED_END") return loadFromStore();
 */
export class ResumableFetchError extends Error {
  /** Tells the class by its name, also where a program has two copies of it. */
  override readonly name = "ResumableFetchError";
  /** Why the body broke off. */
  readonly code: ResumableFetchErrorCode;
  /** The answer to the last attempt, where there was one. */
  readonly status: number | undefined;

  /** Made by this library. */
  constructor(code: ResumableFetchErrorCode, status?: number) {
    super(`The stream can't go on: ${code}, status ${status}.`);
    this.code = code;
    this.status = status;
  }
}
