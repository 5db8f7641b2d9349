// Chunks of answers as the AI SDK's own streams write them, made at random: steps of texts, calls and all the rest.

import fc from "fast-check";
import type { SdkMajor } from "./sdks.ts";

export type Chunk = Record<string, unknown> & { type: string };

const word = fc.string({ maxLength: 12 });
const json = fc.jsonValue({ maxDepth: 2 });
const metadata = fc.option(fc.constantFrom({ provider: { key: "value" } }, { other: { n: 1 } }), {
  nil: undefined,
});
const object = fc.dictionary(
  fc.constantFrom("a", "b", "c"),
  fc.oneof(fc.integer(), fc.constant({ x: 1 }), fc.constant({ y: [2] })),
);
let ids = 0;

/** What belongs together, in its order; chunks of others may come between. */
type Segment = fc.Arbitrary<Chunk[]>;

const spoken = (kind: "text" | "reasoning"): Segment =>
  fc.tuple(fc.array(word), metadata, metadata).map(([deltas, first, last]) => {
    const id = `${kind}-${++ids}`;
    return [
      { type: `${kind}-start`, id, providerMetadata: first },
      ...deltas.map((delta) => ({ type: `${kind}-delta`, id, delta })),
      { type: `${kind}-end`, id, providerMetadata: last },
    ];
  });

function toolCall(major: SdkMajor): Segment {
  const outcomes = ["none", "output", "preliminary", "error", "input-error"];
  const approvals = major === 5 ? [] : ["denied"];
  const outcome = fc.constantFrom(...outcomes, ...approvals);
  const about = fc.record({
    dynamic: fc.boolean(),
    providerExecuted: fc.boolean(),
    isStreamed: fc.boolean(),
  });
  return fc
    .tuple(about, outcome, json, json, metadata)
    .map(([{ dynamic, providerExecuted, isStreamed }, how, input, output, providerMetadata]) => {
      const call = { toolCallId: `call-${++ids}`, toolName: "look" };
      const kind = {
        ...(dynamic && { dynamic }),
        ...(providerExecuted && !dynamic && { providerExecuted }),
        ...(major !== 5 && { title: "Look", toolMetadata: { a: 1 } }),
      };
      const { toolCallId } = call;
      const isDynamic = dynamic && { dynamic };
      const text = JSON.stringify(input);
      const begun: Chunk[] = [
        { type: "tool-input-start", ...call, ...kind },
        { type: "tool-input-delta", toolCallId, inputTextDelta: text.slice(0, 3) },
        { type: "tool-input-delta", toolCallId, inputTextDelta: text.slice(3) },
      ];
      const available: Chunk = { type: "tool-input-available", ...call, ...kind, input, providerMetadata };
      const result: Chunk = { type: "tool-output-available", toolCallId, output, ...isDynamic };
      const ends: Record<string, Chunk[]> = {
        none: [available],
        output: [available, result],
        preliminary: [available, { ...result, output: 1, preliminary: true }, result],
        error: [available, { type: "tool-output-error", toolCallId, errorText: "no", ...isDynamic }],
        "input-error": [{ type: "tool-input-error", ...call, ...kind, input, errorText: "bad" }],
        denied: [
          available,
          { type: "tool-approval-request", approvalId: `${toolCallId}-ok`, toolCallId },
          { type: "tool-output-denied", toolCallId },
        ],
      };
      return [...(isStreamed ? begun : []), ...(ends[how] ?? [])];
    });
}

function single(major: SdkMajor): Segment {
  const data = fc.record(
    {
      type: fc.constant("data-weather"),
      id: fc.constantFrom("one", "two"),
      data: json,
      transient: fc.boolean(),
    },
    { requiredKeys: ["type", "data"] },
  );
  const kinds: fc.Arbitrary<Chunk>[] = [
    fc.constant({ type: "file", url: "https://a.example/b.png", mediaType: "image/png" }),
    fc.constant({ type: "source-url", sourceId: "s", url: "https://a.example", title: "A" }),
    fc.constant({ type: "source-document", sourceId: "d", mediaType: "text/plain", title: "D" }),
    data,
    object.map((messageMetadata) => ({ type: "message-metadata", messageMetadata })),
  ];
  if (major === 7) {
    kinds.push(fc.constant({ type: "custom", kind: "a.b" }));
    kinds.push(fc.constant({ type: "reasoning-file", url: "https://a.example", mediaType: "image/png" }));
  }
  return fc.oneof(...kinds).map((chunk) => [chunk]);
}

/** Segments side by side, as answers of several sources come. */
function interleaved(segments: Chunk[][], turns: number[]): Chunk[] {
  const left = segments.map((segment) => segment.slice()).filter((segment) => segment.length > 0);
  const chunks: Chunk[] = [];
  for (let turn = 0; left.length > 0; turn += 1) {
    const at = (turns[turn % turns.length] ?? 0) % left.length;
    const next = left[at]?.shift();
    if (next) chunks.push(next);
    if (left[at]?.length === 0) left.splice(at, 1);
  }
  return chunks;
}

export function answerOf(major: SdkMajor): fc.Arbitrary<Chunk[]> {
  const segment = fc.oneof(spoken("text"), spoken("reasoning"), toolCall(major), single(major));
  const step = fc
    .tuple(fc.array(segment, { maxLength: 4 }), fc.array(fc.nat(3), { minLength: 1, maxLength: 12 }))
    .map(([segments, turns]) => [
      { type: "start-step" },
      ...interleaved(segments, turns),
      { type: "finish-step" },
    ]);
  const about = fc.record({ first: fc.option(object), last: fc.option(object) });
  return fc
    .tuple(fc.array(step, { minLength: 1, maxLength: 3 }), about)
    .map(([steps, { first, last }]) => [
      { type: "start", messageId: "answer", ...(first && { messageMetadata: first }) },
      ...steps.flat(),
      { type: "finish", finishReason: "stop", ...(last && { messageMetadata: last }) },
    ]);
}

export function textOf(chunks: readonly Chunk[]): string {
  return chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
}
