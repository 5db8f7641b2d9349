// A source that a test feeds by hand, and that remembers what was done to it.

import type { MakeStream } from "../api/types.ts";
import { createDeferred } from "../lib/deferred.ts";

export interface ManualSource {
  makeStream: MakeStream;
  push: (...chunks: string[]) => void;
  end: () => void;
  fail: (error: Error) => void;
  /** How often `makeStream` ran. */
  calls: () => number;
  /** What `makeStream` was told; throws if it never ran. */
  signal: () => AbortSignal;
  streamId: () => string;
  /** Resolves to the reason once the source was cancelled. */
  cancelled: Promise<unknown>;
}

export function manualSource(): ManualSource {
  const { promise: cancelled, resolve: onCancel } = createDeferred<unknown>();
  /** Absent once the source was cancelled: what a test pushes then goes nowhere, as with a real source. */
  let controller: ReadableStreamDefaultController<string> | undefined;
  const stream = new ReadableStream<string>({
    start(opened) {
      controller = opened;
    },
    cancel(reason) {
      controller = undefined;
      onCancel(reason);
    },
  });
  const told: { streamId: string; signal: AbortSignal }[] = [];
  const last = () => {
    const context = told.at(-1);
    if (context === undefined) throw new Error("makeStream was never called");
    return context;
  };
  return {
    makeStream(context) {
      told.push(context);
      return stream;
    },
    push(...chunks) {
      for (const chunk of chunks) controller?.enqueue(chunk);
    },
    end: () => controller?.close(),
    fail: (error) => controller?.error(error),
    calls: () => told.length,
    signal: () => last().signal,
    streamId: () => last().streamId,
    cancelled,
  };
}

/** A source that gives these chunks as they are asked for, and ends. */
export function sourceOf(chunks: readonly string[]): MakeStream {
  return () => {
    let next = 0;
    return new ReadableStream<string>({
      pull(controller) {
        const chunk = chunks[next];
        next += 1;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    });
  };
}

/** For callers that must follow: fails the test's stream if it runs all the same. */
export const mustNotProduce: MakeStream = () => {
  throw new Error("makeStream ran in a caller that should have followed");
};
