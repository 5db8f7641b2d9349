/**
 * Why a response's body broke off for good. Codes never change meaning; messages may.
 *
 * - `SOURCE_FAILED`: the stream's source failed; the body has all that there was.
 * - `PRODUCER_LOST`: the stream's producer died, or its id has a newer text; the rest can't come.
 * - `MISSED_END`: the stream ended while this reader was away, and the server no longer has the text. Load it from where
 *   it is stored.
 * - `REFUSED`: the server refused to resume; `status` says how. 200: it answered with another media type, a login page say.
 * - `NOT_RESUMED`: the server answered, and its answer doesn't say that it begins where this reader stopped.
 * - `UNREACHABLE`: `maxAttempts` attempts in a row came no further.
 */
export type ResumableFetchErrorCode =
  | "SOURCE_FAILED"
  | "PRODUCER_LOST"
  | "MISSED_END"
  | "REFUSED"
  | "NOT_RESUMED"
  | "UNREACHABLE";

/**
 * The error of a body that no further attempt can help. A `TypeError`, as `fetch` throws it for a network that failed; the word
 * "network" is in the message of `UNREACHABLE` alone, which is how chats tell what is worth another try.
 *
 * @example
 * if (error instanceof ResumableFetchError && error.code === "MISSED_END") return loadFromStore();
 */
export class ResumableFetchError extends TypeError {
  /** Any copy's are: what is imported is another build than what is required. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== ResumableFetchError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return value instanceof TypeError && value.name === "ResumableFetchError";
  }

  /** Tells the class by its name, also if a program has two copies of it. */
  override readonly name = "ResumableFetchError";
  /** Why the body broke off. */
  readonly code: ResumableFetchErrorCode;
  /** The answer to the last attempt, if there was one. */
  readonly status: number | undefined;

  /** Made by this library. */
  constructor(code: ResumableFetchErrorCode, status?: number) {
    super(MESSAGES[code] + (status ? ` Last status: ${status}.` : ""));
    this.code = code;
    this.status = status;
  }
}

/** No word "fetch" in any, nor "network" in another: chats take both for a network that failed, and ask again. */
const MESSAGES: Record<ResumableFetchErrorCode, string> = {
  SOURCE_FAILED: "The stream's source failed. Ask anew.",
  PRODUCER_LOST: "The stream's producer is gone. Ask anew.",
  MISSED_END: "The stream ended meanwhile. Load it from where it is stored.",
  REFUSED: "The server refused to resume the stream. Check resumeUrl and headers.",
  NOT_RESUMED: "The server's answer has no stream-offset equal to resumeAt. Answer with one.",
  UNREACHABLE: "The network failed at each of maxAttempts attempts. Try again later.",
};
