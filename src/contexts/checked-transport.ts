// A transport that somebody else wrote: what it answers is looked at before the engine goes by it.

import type {
  Claim,
  ClaimResult,
  Page,
  Peek,
  ReadResult,
  StreamStatus,
  Transport,
  WatchSignal,
} from "../port/transport.ts";

/** The same transport. An answer that is none rejects; so does a call that throws, or gives no promise. */
export function checkAnswers(transport: Transport): Transport {
  const { keepsText, pageUnits } = transport;
  return {
    keepsText,
    ...(pageUnits !== undefined && { pageUnits }),
    claim: async (streamId, request) => checkClaim(await transport.claim(streamId, request)),
    status: async (streamId) => checkStatus(await transport.status(streamId)),
    peek: async (streamId) => checkPeek(await transport.peek(streamId)),
    watch: (streamId, onSignal) =>
      transport.watch(streamId, (signal) => onSignal(isSignal(signal) ? signal : { type: "missed" })),
    read: async (streamId, request) => checkRead(await transport.read(streamId, request)),
    stop: async (streamId, request) => (await transport.stop(streamId, request)) === true,
    lastEnd: async (streamId) => transport.lastEnd?.(streamId),
    close: async () => transport.close(),
  };
}

function checkClaim(result: ClaimResult): ClaimResult {
  const status = statusOf(result, "claim", ["won", "running", "done"]);
  if (status !== "won") return result;
  const { claim } = result as { claim: Partial<Claim> | undefined };
  const isClaim = isWhole(claim?.epoch) && isFunction(claim?.append) && isFunction(claim?.finish);
  return isClaim ? result : refuse("claim", "no claim that was won");
}

function checkStatus(status: StreamStatus): StreamStatus {
  statusOf({ status }, "status", ["absent", "running", "done", "failed"]);
  return status;
}

function checkPeek(peek: Peek): Peek {
  statusOf(peek, "peek", ["absent", "running", "done"]);
  return peek;
}

function checkRead(result: ReadResult): ReadResult {
  const status = statusOf(result, "read", ["page", "absent", "done", "lost"]);
  return status !== "page" || isPage((result as { page?: unknown }).page)
    ? result
    : refuse("read", "no page");
}

function isSignal(signal: WatchSignal): boolean {
  return signal?.type === "page" && isPage(signal.page);
}

/** A row of a database has `null` for an end that isn't there, and a string for a large number: both would pass for the whole text. */
function isPage(page: unknown): boolean {
  if (typeof page !== "object" || page === null) return false;
  const { end, epoch, from, tail, text } = page as Partial<Record<keyof Page, unknown>>;
  return (
    typeof text === "string" &&
    [epoch, from, tail].every(isWhole) &&
    (text === "" || Number(from) + text.length <= Number(tail)) &&
    (end === undefined || ["done", "failed", "stopped", "lost"].includes(end as string))
  );
}

function statusOf(answer: unknown, method: keyof Transport, statuses: readonly string[]): string {
  const { status } = (answer ?? {}) as { status?: unknown };
  return statuses.includes(status as string) ? (status as string) : refuse(method, "no status of its own");
}

function refuse(method: keyof Transport, what: string): never {
  throw new TypeError(`transport: ${method} answered with ${what}.`);
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}
