// `resumeStream`, which the published library exports beside its contexts.

import { connect } from "../transports/redis/connect.ts";
import type { Publisher, Subscriber } from "../transports/relay/ports.ts";
import { ResumableStreamError } from "./errors.ts";
import { createRelayContext } from "./relay-context.ts";
import type { CommonOptions, RedisClient, ResumableStreamContext } from "./types.ts";

/** What `resumeStream` needs of a context, in the shape the published library has it. */
export interface ResumeStreamContext {
  /** With its suffix `:rs`. */
  keyPrefix: string;
  waitUntil: CommonOptions["waitUntil"];
  subscriber: Subscriber | RedisClient;
  publisher: Publisher | RedisClient;
  doneWatchdogIntervalMs?: number;
}

const contexts = new WeakMap<ResumeStreamContext, ResumableStreamContext>();

/**
 * Follows a stream that runs. A context's `resumeExistingStream` does the same, and tells a missing stream apart.
 *
 * @returns `null` where the stream is done.
 * @throws ResumableStreamError `PRODUCER_LOST` where there is none.
 */
export async function resumeStream(
  context: ResumeStreamContext,
  streamId: string,
  skipCharacters?: number,
): Promise<ReadableStream<string> | null> {
  const { publisher, subscriber, waitUntil } = context;
  const keyPrefix = context.keyPrefix.replace(/:rs$/, "");
  const known =
    contexts.get(context) ??
    createRelayContext({ waitUntil, keyPrefix }, () => connect({ publisher, subscriber }));
  contexts.set(context, known);
  const stream = await known.resumeExistingStream(streamId, skipCharacters);
  if (stream !== undefined) return stream;
  throw new ResumableStreamError("PRODUCER_LOST", `Cannot resume "${streamId}": nobody produces it.`);
}
