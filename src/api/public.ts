// Exported by the entries of contexts, besides their factories.

export { endOf, generationOf } from "../engine/ends.ts";
export { ResumableStreamError, type ResumableStreamErrorCode } from "../port/errors.ts";
export type { CommonOptions, StreamEvent } from "./common-options.ts";
export type { EndedStream, OnEnd } from "./on-end.ts";
export type { CloseOptions, EndKind, LastEnd, MakeStream, MakeStreamContext, StopOptions } from "./types.ts";
