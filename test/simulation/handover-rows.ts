// The statements that have an app given the text of a superseded claim, and that note whether it took it.

import { entriesOf, type Rows, type Session } from "./rows.ts";

export function handedOver(session: Session | undefined, epoch: number, isTaken: boolean): Rows {
  if (session?.epoch === epoch) {
    session.handoverUntil = Number.NEGATIVE_INFINITY;
    session.handoversLeft = isTaken ? null : Math.min(session.handoversLeft ?? 1, 1);
    return [];
  }
  const owed = session?.owed.get(epoch);
  if (!owed) return [];
  if (isTaken) session?.owed.delete(epoch);
  owed.until = 0;
  owed.left = Math.min(owed.left, 1);
  return [];
}

export function takeOwed(
  session: Session | undefined,
  epoch: number,
  { now, forMs }: { now: number; forMs: number },
): Rows {
  const owed = session?.owed.get(epoch);
  const leaseMs = (owed?.until ?? 0) - now;
  const isTaken = owed !== undefined && owed.left > 0 && leaseMs <= 0;
  if (isTaken) {
    owed.left -= 1;
    owed.until = now + forMs;
  }
  const is = {
    is_there: session !== undefined,
    is_taken: isTaken,
    is_empty: owed?.entries.size === 0,
    lease_ms: leaseMs,
  };
  return [{ ...is, ...entriesOf(isTaken ? [...owed.entries.values()] : []) }];
}
