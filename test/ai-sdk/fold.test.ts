// The fold of an answer's text, held against what AI SDK 5, 6 and 7 make of the same chunks, at every place a text may be cut.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { foldUIMessage } from "../../src/ai-sdk.ts";
import { type Call, modelOf } from "./model.ts";
import { installSdks, loadSdk, SDK_VERSIONS, type SdkMajor, type ServerSdk } from "./sdks.ts";
import { answerOf, type Chunk, textOf } from "./ui-chunks.ts";

beforeAll(installSdks, 300_000);

interface Message {
  id: string;
  role: string;
  parts: Record<string, unknown>[];
}

/** What the AI SDK shows of the chunks. */
async function shownBy(sdk: ServerSdk, chunks: Chunk[]): Promise<Message> {
  // Changed in place: what is given out misses a step that has only begun.
  const message: Message = { id: "answer", role: "assistant", parts: [] };
  const stream = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(structuredClone(chunk));
      controller.close();
    },
  });
  for await (const _ of sdk.readUIMessageStream({ message, stream, terminateOnError: true }));
  return JSON.parse(JSON.stringify(message)) as Message;
}

/** The same message with its open parts closed; undefined if it shows nothing. */
function closed({ parts, ...message }: Message): Message | undefined {
  const kept = parts
    .filter(({ state }) => state !== "input-streaming")
    .map((part) => (part["state"] === "streaming" ? { ...part, state: "done" } : part))
    .map(asInVersion7);
  return kept.every(({ type }) => type === "step-start") ? undefined : { ...message, parts: kept };
}

/** 5 and 6 have another name for an input that wasn't valid, which all of them read under the newer one. */
function asInVersion7(part: Record<string, unknown>): Record<string, unknown> {
  const { rawInput, ...rest } = part;
  const isOlder = part["state"] === "output-error" && rawInput !== undefined;
  return isOlder ? { ...rest, input: rawInput } : part;
}

const majors = Object.keys(SDK_VERSIONS).map(Number) as SdkMajor[];

describe.each(majors)("AI SDK %i", (major) => {
  let sdk: ServerSdk;
  beforeAll(async () => {
    sdk = await loadSdk(major);
  });

  test("a text folds into the message that the page shows, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(answerOf(major), fc.nat(), async (chunks, at) => {
        const text = textOf(chunks);
        const cut = at % (text.length + 1);
        const whole = text.slice(0, cut).split("\n\n").length - 1;
        const shown = await shownBy(sdk, chunks.slice(0, whole));
        expect(foldUIMessage(text.slice(0, cut))).toEqual(closed(shown));
      }),
      { numRuns: 400 },
    );
  });

  test("a message that was cut anywhere goes to the model with the next question", async () => {
    await fc.assert(
      fc.asyncProperty(answerOf(major), fc.nat(), async (chunks, at) => {
        const text = textOf(chunks);
        const message = foldUIMessage(text.slice(0, at % (text.length + 1)), { end: "stopped" });
        const said = (id: string) => ({ id, role: "user", parts: [{ type: "text", text: "short" }] });
        const messages = [said("1"), ...(message ? [message] : []), said("2")];
        const calls: Call[] = [];
        const result = sdk.streamText({
          model: modelOf(major, { calls, words: 1, wordMs: 0 }),
          messages: await sdk.convertToModelMessages(messages),
        });
        const seen: unknown[] = [];
        for await (const chunk of result.toUIMessageStream({})) seen.push(chunk);
        expect(seen).not.toContainEqual(expect.objectContaining({ type: "error" }));
        expect(calls).toHaveLength(1);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a tool call whose approval nobody has answered", () => {
  const text = textOf([
    { type: "start", messageId: "answer" },
    { type: "start-step" },
    { type: "tool-input-start", toolCallId: "call", toolName: "look" },
    { type: "tool-input-available", toolCallId: "call", toolName: "look", input: {} },
    { type: "tool-approval-request", approvalId: "ok", toolCallId: "call" },
  ]);
  const stateAt = (end: "done" | "stopped" | "failed" | "lost"): unknown => {
    const part = foldUIMessage(text, { end })?.parts.at(-1);
    return typeof part === "object" && part !== null && "state" in part ? part.state : undefined;
  };

  test.each([
    ["was aborted", { type: "abort" }],
    ["failed", { type: "error", errorText: "overloaded" }],
    ["finished by an error", { type: "finish", finishReason: "error" }],
  ])("has an error if the text says that it %s, though the stream is done", (_, chunk) => {
    const said = foldUIMessage(text + textOf([chunk]), { end: "done" })?.parts.at(-1);
    expect(said).toMatchObject({ state: "output-error" });
  });

  test("is left to the page by an answer that is done", () => {
    expect(stateAt("done")).toBe("approval-requested");
  });

  test.each(["stopped", "failed", "lost"] as const)("has an error in one that is %s", (end) => {
    expect(stateAt(end)).toBe("output-error");
  });
});
