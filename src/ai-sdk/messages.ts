// The AI SDK's messages and chunks, by what is used of them: no version of it is a dependency.

/** A message of a chat, as far as it is looked at here. The AI SDK's `UIMessage` is one, in versions 5, 6 and 7. */
export interface ChatMessage {
  /** Its name in the chat. */
  id: string;
  /** `"user"` of a question, `"assistant"` of an answer. */
  role: string;
  /** Its parts, in their order. */
  parts: unknown[];
  /** The app's own. */
  metadata?: unknown;
}

/** A chunk of a UI message stream. */
export interface UIMessageChunk {
  /** Which of the AI SDK's chunks it is: `"text-delta"`, say. */
  type: string;
}

/** A chunk that came as text: of its fields nothing is known. */
export interface ReadChunk {
  readonly [field: string]: unknown;
  readonly type: string;
}

/** A part of a message that is being put together. */
export interface Part {
  [field: string]: unknown;
  type: string;
}

/** The chunks of a text of events. What isn't whole, or isn't JSON, is left out, as pages do with an event that broke off. */
export function* chunksOf(text: string): Generator<ReadChunk, void> {
  // The last has no blank line after it.
  for (const event of text.split(/\r\n\r\n|\n\n|\r\r/).slice(0, -1)) {
    const lines = event.split(/\r\n|\n|\r/).filter((line) => line.startsWith("data:"));
    const chunk = parsed(lines.map((line) => line.slice(5)).join("\n"));
    if (chunk) yield chunk;
  }
}

function parsed(json: string): ReadChunk | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) && typeof value["type"] === "string" ? (value as ReadChunk) : undefined;
  } catch {
    // `[DONE]`, say.
    return undefined;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The fields that have a value. */
export function given(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  );
}
