/** The offset a request asks for; undefined where it names none. */
export function requestedOffset(request: Request): number | "bad" | undefined {
  // An EventSource repeats its URL when it reconnects: what it has by then is in the header alone.
  const named = request.headers.get("last-event-id") || new URL(request.url).searchParams.get("resumeAt");
  if (named === null) return undefined;
  const offset = Number(named);
  return /^\d+$/.test(named) && Number.isSafeInteger(offset) ? offset : "bad";
}
