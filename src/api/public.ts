// What every entry exports besides its factory.

export { endOf, generationOf } from "../engine/ends.ts";
export { ResumableStreamError, type ResumableStreamErrorCode } from "../port/errors.ts";
export type {
  CommonOptions,
  EndKind,
  LastEnd,
  MakeStream,
  MakeStreamContext,
  StopOptions,
  StreamEvent,
} from "./types.ts";
