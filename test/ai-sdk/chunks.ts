// Random UI message chunks, the text that they travel as, and the message that a page makes of them.

import fc from "fast-check";

export type Chunk = { type: string } & Record<string, unknown>;

const ids = fc.constantFrom("1", "2");
const pieces = fc.constantFrom(
  "a",
  " word",
  "",
  "🌊",
  "\uD83C",
  "\uDF0A",
  '"\\',
  "\u2028",
  "data: x\n\n",
  "</script>",
);

const deltas = fc.oneof(
  fc.record({ type: fc.constantFrom("text-delta", "reasoning-delta"), id: ids, delta: pieces }),
  fc.record({ type: fc.constant("tool-input-delta"), toolCallId: ids, inputTextDelta: pieces }),
);
const metadata = fc.integer().map((n) => ({ provider: { n } }));
const others = fc.oneof(
  fc.record({ type: fc.constant("text-delta"), id: ids, delta: pieces, providerMetadata: metadata }),
  fc.record({ type: fc.constant("data-note"), data: fc.integer(), transient: fc.boolean() }),
  fc.record({ type: fc.constant("message-metadata"), messageMetadata: fc.record({ n: fc.integer() }) }),
  fc.record({
    type: fc.constant("source-url"),
    sourceId: fc.constant("s"),
    url: fc.constant("https://x.test"),
  }),
);

/** Whole messages: parts that are open from start to end, as page code demands, and chunks of many kinds between. */
export const chunkLists: fc.Arbitrary<Chunk[]> = fc
  // Runs of one kind, as a model gives them.
  .array(fc.oneof({ weight: 4, arbitrary: runsOf(deltas) }, { weight: 1, arbitrary: runsOf(others) }), {
    maxLength: 6,
  })
  .map((runs) => [
    { type: "start", messageId: "m" },
    ...["1", "2"].flatMap((id) => [
      { type: "text-start", id },
      { type: "reasoning-start", id },
      { type: "tool-input-start", toolCallId: id, toolName: "tool" },
    ]),
    ...runs.flat(),
    { type: "text-end", id: "1" },
    { type: "reasoning-end", id: "1" },
    { type: "finish" },
  ]);

function runsOf<T>(chunk: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.oneof(
    fc.array(chunk, { maxLength: 4 }),
    fc.tuple(chunk, fc.integer({ min: 1, max: 6 })).map(([one, count]) => Array<T>(count).fill(one)),
  );
}

/** As the AI SDK's JsonToSseTransformStream writes them. */
export function textOf(chunks: readonly Chunk[]): string {
  return `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("")}data: [DONE]\n\n`;
}

/** A message's parts in the order of their start, and all other chunks in theirs, among the text there was before each. */
export function fold(events: readonly string[]): unknown {
  const texts: Record<string, string> = {};
  const metadataOf: Record<string, unknown> = {};
  const rest: unknown[] = [];
  for (const data of events) {
    const chunk = parse(data);
    const part = `${String(chunk?.["type"])} ${String(chunk?.["id"] ?? chunk?.["toolCallId"])}`;
    const text = chunk?.["delta"] ?? chunk?.["inputTextDelta"];
    if (typeof text !== "string") {
      rest.push({ data, before: { ...texts } });
      continue;
    }
    texts[part] = (texts[part] ?? "") + text;
    metadataOf[part] = chunk?.["providerMetadata"] ?? metadataOf[part];
  }
  return { texts, metadataOf, rest };
}

function parse(data: string): Record<string, unknown> | undefined {
  try {
    return { ...(JSON.parse(data) as object) };
  } catch {
    return undefined;
  }
}
