// `resumeStream`, which the published library exports beside its contexts.

import { shared } from "../lib/shared.ts";
import { connect } from "./pubsub-clients.ts";
import type { Publisher, Subscriber } from "../transports/generic/clients.ts";
import { ResumableStreamError } from "../port/errors.ts";
import { createRelayContext } from "./relay.ts";
import type { ResumableStreamContext } from "../api/types.ts";

/** What `resumeStream` needs of a context, in the shape the published library has it. */
export interface ResumeStreamContext {
  /** With its suffix `:rs`. */
  keyPrefix: string;
  /** Keeps the process alive until a promise settles. */
  waitUntil: (promise: Promise<unknown>) => void;
  /** A client to subscribe with. */
  subscriber: Subscriber;
  /** A client to publish with. */
  publisher: Publisher;
  /** Accepted for compatibility and unused. */
  doneWatchdogIntervalMs?: number;
}

const contexts = shared(
  "resume-stream-contexts.1",
  () => new WeakMap<ResumeStreamContext, ResumableStreamContext>(),
);

/**
 * Follows a stream that runs. A context's `resumeExistingStream` does the same, and tells a missing stream apart.
 *
 * @param context - the clients, not what `createResumableStreamContext` returned.
 * @param streamId - the stream's name.
 * @param skipCharacters - where to start, in UTF-16 code units. Left out, it is 0.
 * @returns the text from there on, or `null` if the stream is done.
 * @throws TypeError naming the argument that can't be used.
 * @throws ResumableStreamError `PRODUCER_LOST` if there is none; `TRANSPORT_UNAVAILABLE`.
 */
export async function resumeStream(
  context: ResumeStreamContext,
  streamId: string,
  skipCharacters?: number | string,
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
