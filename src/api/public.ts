// Exported by the entries of contexts, besides their factories.

export { endOf, generationOf } from "../engine/ends.ts";
export { ResumableStreamError, type ResumableStreamErrorCode } from "../port/errors.ts";
export type { EndedStream, OnEnd } from "./on-end.ts";
export type {
  CloseOptions,
  CommonOptions,
  EndKind,
  LastEnd,
  MakeStream,
  MakeStreamContext,
  StopOptions,
  StreamEvent,
} from "./types.ts";
