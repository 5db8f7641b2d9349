// The text of an answer as the one message that pages show of it, as the AI SDK folds its chunks.

import type { EndKind } from "../port/transport.ts";
import { type ChatMessage, chunksOf, given, isObject, type Part, type ReadChunk } from "./messages.ts";
import { applyToTool, closedCall, isTool, lastStep } from "./tool-parts.ts";

/** How an answer is folded. */
export interface FoldOptions {
  /** The message's id, if the text names none. @defaultValue "" */
  messageId?: string | undefined;
  /**
   * How the answer ended: at any other end than `"done"`, a tool call without a result gets an error for one. So it does if the
   * text says that the AI SDK gave up: `abort`, `error`, or the finish reason `error`.
   * @defaultValue "done"
   */
  end?: EndKind | undefined;
}

/**
 * The message of a text of UI message chunks, as far as it came. Text and reasoning that are open are closed. A tool call
 * whose input isn't whole is left out, and one that broke off without a result gets an error, so that the next question
 * can go to the model. Transient data is left out. Chunks that can't be read are skipped.
 *
 * @param text - events, each `data: {…}` and a blank line, as the AI SDK writes them.
 * @param options - how it ended.
 * @returns undefined if nothing of the answer came that can be shown.
 * @example
 * const message = foldUIMessage<UIMessage>(text, { messageId: generation, end });
 */
export function foldUIMessage<Message extends ChatMessage = ChatMessage>(
  text: string,
  { messageId = "", end = "done" }: FoldOptions = {},
): Message | undefined {
  const fold = new Fold(messageId);
  for (const chunk of chunksOf(text)) fold.apply(chunk);
  // The chunks are the app's own, of which no more is known here than of its messages.
  return fold.close(end) as Message | undefined;
}

class Fold {
  #id: string;
  /** Undefined until a chunk brings some. */
  #metadata: unknown;
  readonly #parts: Part[] = [];
  /** Texts and reasonings that further chunks may add to, by their kind and id. */
  readonly #open = new Map<string, Part>();
  /** The AI SDK said in the text that it gave up: the stream itself is done then. Absent unless it did. */
  #brokeOff: EndKind | undefined;

  constructor(id: string) {
    this.#id = id;
  }

  apply(chunk: ReadChunk): void {
    if (applyToTool(this.#parts, chunk)) return;
    const { type, providerMetadata } = chunk;
    switch (type) {
      case "start":
        if (typeof chunk["messageId"] === "string") this.#id = chunk["messageId"];
        return this.#addMetadata(chunk);
      case "abort":
        this.#brokeOff = "stopped";
        return;
      case "error":
        this.#brokeOff = "failed";
        return;
      case "finish":
        if (chunk["finishReason"] === "error") this.#brokeOff ??= "failed";
        return this.#addMetadata(chunk);
      case "message-metadata":
        return this.#addMetadata(chunk);
      case "start-step":
        return this.#push({ type: "step-start" });
      case "reset-step":
        this.#open.clear();
        return void this.#parts.splice(this.#parts.length - lastStep(this.#parts).length);
      case "text-start":
      case "text-delta":
      case "text-end":
        return this.#addText("text", chunk);
      case "reasoning-start":
      case "reasoning-delta":
      case "reasoning-end":
        return this.#addText("reasoning", chunk);
      case "file":
      case "reasoning-file":
        return this.#push({ type, mediaType: chunk["mediaType"], url: chunk["url"], providerMetadata });
      case "source-url":
        return this.#push({
          type,
          sourceId: chunk["sourceId"],
          url: chunk["url"],
          title: chunk["title"],
          providerMetadata,
        });
      case "source-document":
        return this.#push({
          type,
          sourceId: chunk["sourceId"],
          mediaType: chunk["mediaType"],
          title: chunk["title"],
          filename: chunk["filename"],
          providerMetadata,
        });
      case "custom":
        return this.#push({ type, kind: chunk["kind"], providerMetadata });
      case "steering-message":
        return this.#push({ type, id: chunk["id"], parts: chunk["parts"] });
      default:
        if (type.startsWith("data-") && !chunk["transient"]) this.#addData(chunk);
    }
  }

  close(end: EndKind): ChatMessage | undefined {
    for (const part of this.#open.values()) part["state"] = "done";
    const how = end === "done" ? (this.#brokeOff ?? end) : end;
    const parts = this.#parts
      .flatMap((part) => (isTool(part) ? closedCall(part, how) : [part]))
      .map(withoutUndefined);
    if (parts.every(({ type }) => type === "step-start")) return undefined;
    const metadata = this.#metadata === undefined ? {} : { metadata: this.#metadata };
    return { id: this.#id, role: "assistant", parts, ...metadata };
  }

  #push(part: Part): void {
    this.#parts.push(part);
  }

  #addText(type: "text" | "reasoning", chunk: ReadChunk): void {
    const { id, delta, providerMetadata, citations } = chunk;
    const key = `${type} ${String(id)}`;
    if (chunk.type.endsWith("-start")) {
      const isReasoning = type === "reasoning";
      const begun: Part = {
        type,
        ...(isReasoning && { id }),
        text: "",
        providerMetadata,
        state: "streaming",
      };
      const before = this.#open.get(key);
      if (before) before["state"] = "done";
      this.#open.set(key, begun);
      return this.#push(begun);
    }
    const part = this.#open.get(key);
    if (!part) return;
    part["providerMetadata"] = providerMetadata ?? part["providerMetadata"];
    if (typeof delta === "string") part["text"] = String(part["text"]) + delta;
    if (!chunk.type.endsWith("-end")) return;
    part["state"] = "done";
    Object.assign(part, given({ citations }));
    this.#open.delete(key);
  }

  #addData(chunk: ReadChunk): void {
    const { type, id } = chunk;
    const known = this.#parts.find((part) => part.type === type && part["id"] === id);
    if (known && typeof id === "string") known["data"] = chunk["data"];
    else this.#push({ ...chunk });
  }

  #addMetadata({ messageMetadata }: ReadChunk): void {
    if (messageMetadata === undefined || messageMetadata === null) return;
    this.#metadata = merged(this.#metadata, messageMetadata);
  }
}

/** Names that would reach an object's prototype. */
const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);

/** Objects are merged in depth; anything else is replaced. */
function merged(base: unknown, added: unknown): unknown {
  if (!isObject(base) || !isObject(added)) return added;
  const result = { ...base };
  for (const [name, value] of Object.entries(added)) {
    if (!FORBIDDEN.has(name)) result[name] = merged(base[name], value);
  }
  return result;
}

function withoutUndefined(part: Part): Part {
  return Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as Part;
}
