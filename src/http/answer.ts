// Answers without a stream, and the header that says why.

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
  // A list, to which the caller's may have added.
  headers.append("access-control-expose-headers", "stream-status, stream-offset, stream-generation");
  return new Response(message ?? null, { status, headers });
}
