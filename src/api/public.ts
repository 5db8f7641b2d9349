// What every entry exports besides its factory.

export { endOf, generationOf } from "../engine/journeys.ts";
export { ResumableStreamError, type ResumableStreamErrorCode } from "./errors.ts";
export type {
  CommonOptions,
  CreateResumableStreamContextOptions,
  EndKind,
  LastEnd,
  MakeStream,
  MakeStreamContext,
  RedisClient,
  ResumableStreamContext,
  StopOptions,
  StreamEvent,
} from "./types.ts";
export type { Publisher, Subscriber } from "../transports/relay/ports.ts";
export { resumeStream, type ResumeStreamContext } from "./resume-stream.ts";
