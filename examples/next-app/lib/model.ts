// In place of your model: it needs no key, and says the same to everybody, word by word.

import { setTimeout as sleep } from "node:timers/promises";
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { MockLanguageModelV4 } from "ai/test";

const answer = Array.from({ length: 40 }, (_, line) => `${line + 1}. One more line, word by word.\n`).join(
  "",
);

const wordMs = Number(process.env["WORD_MS"] ?? 60);

const none = { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
const usage = {
  inputTokens: none,
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

export const model = new MockLanguageModelV4({
  doStream: async ({ abortSignal }) => {
    const unsaid = parts(abortSignal);
    const stream = new ReadableStream<LanguageModelV4StreamPart>({
      async pull(controller) {
        const { done, value } = await unsaid.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    });
    return { stream };
  },
});

async function* parts(signal: AbortSignal | undefined): AsyncGenerator<LanguageModelV4StreamPart> {
  yield { type: "stream-start", warnings: [] };
  yield { type: "text-start", id: "text" };
  for (const delta of answer.match(/\S+\s+/g) ?? []) {
    await sleep(wordMs, undefined, { signal });
    yield { type: "text-delta", id: "text", delta };
  }
  yield { type: "text-end", id: "text" };
  yield { type: "finish", finishReason: { unified: "stop", raw: undefined }, usage };
}
