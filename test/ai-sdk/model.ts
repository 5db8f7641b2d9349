// A model for each version of the AI SDK. It says numbered words until it is aborted.

import { setTimeout as pass } from "node:timers/promises";
import { createDeferred } from "../../src/lib/deferred.ts";
import type { SdkMajor } from "./sdks.ts";

/** A call of the model: the number of those before it stands in each of its words. */
export interface Call {
  prompt: unknown[];
  /** Resolves with the reason once its signal aborts. */
  aborted: Promise<unknown>;
}

export interface ModelOptions {
  calls: Call[];
  /** How many words it says; 30 if the question says "short". */
  words: number;
  wordMs: number;
}

export function modelOf(major: SdkMajor, { calls, words, wordMs }: ModelOptions): object {
  const none = { total: 1, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
  const finish =
    major === 5
      ? { finishReason: "stop", usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 } }
      : {
          finishReason: { unified: "stop", raw: undefined },
          usage: { inputTokens: none, outputTokens: { total: 1, text: 1, reasoning: undefined } },
        };
  return {
    specificationVersion: { 5: "v2", 6: "v3", 7: "v4" }[major],
    provider: "test",
    modelId: "words",
    supportedUrls: {},
    doStream: ({ prompt, abortSignal }: { prompt: unknown[]; abortSignal?: AbortSignal }) => {
      const number = calls.length + 1;
      const { promise: aborted, resolve } = createDeferred<unknown>();
      abortSignal?.addEventListener("abort", () => resolve(abortSignal.reason));
      calls.push({ prompt, aborted });
      const isShort = JSON.stringify(prompt.at(-1)).includes("short");
      const parts = partsOf({ number, words: isShort ? 30 : words, wordMs, signal: abortSignal });
      const stream = new ReadableStream({
        async pull(controller) {
          const { done, value } = await parts.next();
          if (!done) return controller.enqueue(value);
          controller.enqueue({ type: "finish", ...finish });
          controller.close();
        },
      });
      return Promise.resolve({ stream });
    },
  };
}

interface Parts {
  number: number;
  words: number;
  wordMs: number;
  signal: AbortSignal | undefined;
}

async function* partsOf({ number, words, wordMs, signal }: Parts): AsyncGenerator<object, void> {
  yield { type: "stream-start", warnings: [] };
  yield { type: "text-start", id: "text" };
  for (let word = 1; word <= words; word += 1) {
    if (wordMs > 0) await pass(wordMs, undefined, { signal });
    yield { type: "text-delta", id: "text", delta: `${number}:${word} ` };
  }
  yield { type: "text-end", id: "text" };
}
