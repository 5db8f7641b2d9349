// Answers without a stream, and the header that says why.

export { endBeforeOf } from "../engine/ends.ts";

/** What the header `stream-status` says. */
export type StatusHeader =
  | "running"
  | "done"
  | "absent"
  | "missed"
  | "failed"
  | "lost"
  | "stopped"
  | "superseded"
  | "unavailable";

/**
 * The headers that a client looks at: scripts of another origin see none of these unless an answer names them. The list has the
 * caller's besides, which would otherwise hide a text's position, and let two texts be taken for one.
 */
export const EXPOSED: readonly [name: string, value: string] = [
  "access-control-expose-headers",
  "stream-status, stream-offset, stream-generation, content-location, retry-after",
];

export interface AnswerParts {
  own: Record<string, string>;
  /** The caller's, without which a page of another origin can't see even the status. */
  added: HeadersInit | undefined;
  message?: string;
}

/** An answer without a stream, whose own headers stay: what the caller's say is said of the text. */
export function answerOf(status: number, { own, added, message }: AnswerParts): Response {
  const headers = new Headers({ ...own, "cache-control": "no-store" });
  if (status === 503) headers.set("retry-after", "1");
  const names = new Set(headers.keys());
  for (const [name, value] of new Headers(added)) if (!names.has(name)) headers.append(name, value);
  headers.append(...EXPOSED);
  return new Response(message ?? null, { status, headers });
}

/** A refusal that says why, for people. */
export function refusalOf(status: number, message: string, added: HeadersInit | undefined): Response {
  return answerOf(status, { own: { "content-type": "text/plain;charset=UTF-8" }, added, message });
}

/** The refusal of a request for which `authorize` gave `allowed`; undefined if that is a yes, which only `true` is. */
export function forbidden(allowed: unknown, added: HeadersInit | undefined): Response | undefined {
  if (allowed === true) return undefined;
  return isResponse(allowed) ? allowed : refusalOf(403, "This stream isn't yours to read.\n", added);
}

/** Not by its class: servers put their own in the platform's place, and it may be of another realm. */
function isResponse(value: unknown): value is Response {
  if (typeof value !== "object" || value === null) return false;
  const hasStatus = "status" in value && typeof value.status === "number";
  return hasStatus && "arrayBuffer" in value && typeof value.arrayBuffer === "function";
}

/** Not by its class: the context may be of another copy of this library. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "TRANSPORT_UNAVAILABLE" || error.code === "CLOSED";
}
