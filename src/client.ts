/**
 * A fetch whose response goes on where its connection stopped. For browsers and Node; needs nothing of the server's part.
 *
 * @module
 */

export { ResumableFetchError, type ResumableFetchErrorCode } from "./client/error.ts";
export { endOf, type EndKind, resumableFetch, type ResumableFetchInit } from "./client/resumable-fetch.ts";
