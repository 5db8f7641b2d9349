// What the entries over a pub/sub server export besides their factories.

export * from "../api/public.ts";
export type { DurableStreamContext, ResumableStreamContext } from "../api/types.ts";
export type { Publisher, Subscriber } from "../transports/generic/clients.ts";
export type { CreateResumableStreamContextOptions, KeepTextOptions, RedisClient } from "./redis-options.ts";
export { resumeStream, type ResumeStreamContext } from "./resume-stream.ts";
