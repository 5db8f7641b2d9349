// An answer as a text of events, which is what a stream is made of.

import type { UIMessageChunk } from "./messages.ts";

/** Names that are written into the text, so that any process knows them. */
export interface TextOptions {
  /** The message's id, unless the answer's own first chunk names one. @defaultValue a random one */
  messageId?: string | undefined;
  /** Id of the message that is answered. It stands in a comment, which pages skip. @defaultValue none */
  questionId?: string | undefined;
}

const QUESTION = ": question=";

/**
 * A UI message stream as text, for `makeStream`. Its first event names the message, so that every page and every process that
 * reads the text has the same id for it.
 *
 * @param chunks - `toUIMessageStream()` of AI SDK 5, 6 or 7, or `createUIMessageStream()`.
 * @param options - what the message is called, and what it answers.
 * @example
 * const stream = await context.createNewResumableStream(id, ({ signal }) =>
 *   uiMessageText(streamText({ model, messages, abortSignal: signal }).toUIMessageStream()),
 * );
 *
 * @throws TypeError if it isn't a stream.
 */
export function uiMessageText(
  chunks: ReadableStream<UIMessageChunk>,
  { messageId = crypto.randomUUID(), questionId }: TextOptions = {},
): ReadableStream<string> {
  if (typeof (chunks as Partial<typeof chunks> | undefined)?.getReader !== "function") {
    throw new TypeError("An answer must be a stream, as toUIMessageStream() gives.");
  }
  const reader = chunks.getReader();
  let isFirst = true;
  const opening = (chunk: UIMessageChunk | undefined): string => {
    isFirst = false;
    const comment = questionId === undefined ? "" : `${QUESTION}${JSON.stringify(questionId)}\n\n`;
    if (chunk?.type !== "start") return comment + eventOf({ type: "start", messageId }) + eventOf(chunk);
    return comment + eventOf({ ...chunk, messageId: ("messageId" in chunk && chunk.messageId) || messageId });
  };
  return new ReadableStream<string>(
    {
      pull: async (controller) => {
        const { done, value } = await reader.read();
        const text = isFirst ? opening(value) : eventOf(value);
        if (text) controller.enqueue(text);
        if (done) controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function eventOf(chunk: object | undefined): string {
  return chunk ? `data: ${JSON.stringify(chunk)}\n\n` : "";
}

/** Id of the message that a text answers; undefined if it doesn't say, or broke off before it had. */
export function questionOf(text: string): string | undefined {
  const [line = ""] = text.split("\n", 1);
  if (!line.startsWith(QUESTION)) return undefined;
  try {
    const id: unknown = JSON.parse(line.slice(QUESTION.length));
    return typeof id === "string" ? id : undefined;
  } catch {
    // The answer is saved all the same.
    return undefined;
  }
}
