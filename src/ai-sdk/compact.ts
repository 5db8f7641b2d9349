// Deltas of one part of an AI SDK message as one, for a page that catches up.

import type { CompactedEvent } from "../http/compaction.ts";

/** A delta of a part: all that it says besides its text. */
interface Delta {
  type: keyof typeof SHAPES;
  /** Of the part. */
  id: string;
  text: string;
}

/** By type: the key that names the part, and the one of the text that is added to it. AI SDK 5, 6 and 7 have the same. */
const SHAPES = {
  "text-delta": { id: "id", text: "delta" },
  "reasoning-delta": { id: "id", text: "delta" },
  "tool-input-delta": { id: "toolCallId", text: "inputTextDelta" },
} as const;

/** A connection that breaks within an event brings nothing of it, and the next one asks for all of it again. */
const MAX_TEXT_UNITS = 4_096;

/**
 * A compactor for UI message streams of AI SDK 5, 6 and 7: while a reader catches up, deltas of one part that follow each other
 * become one, of at most 4,096 units of text unless one alone has more. Everything else stays as it is, and where it is: other
 * chunks, `data-*` ones of yours, `[DONE]`, text that is no JSON, and deltas with something besides their text, such as
 * `providerMetadata`.
 *
 * @param run - data of events, as `streamResponse` gives it.
 * @returns what the page makes the same message of.
 * @example
 * createResumeHandlers(context, { streamId, authorize, compact: compactUIMessageChunks });
 */
export function compactUIMessageChunks(run: readonly string[]): CompactedEvent[] {
  const groups: { data: string; delta: Delta | undefined; texts: string[]; units: number }[] = [];
  for (const data of run) {
    const delta = parseDelta(data);
    const last = groups.at(-1);
    const text = delta?.text ?? "";
    const isSame = last && delta && delta.type === last.delta?.type && delta.id === last.delta.id;
    if (isSame && last.units + text.length <= MAX_TEXT_UNITS) {
      last.texts.push(text);
      last.units += text.length;
    } else groups.push({ data, delta, texts: [text], units: text.length });
  }
  return groups.map(({ data, delta, texts }) => ({
    data: delta && texts.length > 1 ? dataOf({ ...delta, text: texts.join("") }) : data,
    count: texts.length,
  }));
}

function dataOf({ type, id, text }: Delta): string {
  const shape = SHAPES[type];
  return JSON.stringify({ type, [shape.id]: id, [shape.text]: text });
}

/** Undefined if it is something else, or has something besides. */
function parseDelta(data: string): Delta | undefined {
  const chunk = parseObject(data);
  const type = chunk?.["type"];
  if (!chunk || !isDeltaType(type)) return undefined;
  const shape = SHAPES[type];
  const [id, text] = [chunk[shape.id], chunk[shape.text]];
  const hasMore = Object.keys(chunk).length > 3;
  return typeof id !== "string" || typeof text !== "string" || hasMore ? undefined : { type, id, text };
}

function isDeltaType(type: unknown): type is Delta["type"] {
  return typeof type === "string" && Object.hasOwn(SHAPES, type);
}

function parseObject(data: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    // [DONE], say.
    return undefined;
  }
}
