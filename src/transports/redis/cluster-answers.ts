// Answers of a cluster while a slot moves or a master is replaced. They pass: the same command is sent again.

import { backoffMs } from "../../lib/backoff.ts";
import { type Clock, sleep, systemClock } from "../../lib/clock.ts";

/** Both libraries follow MOVED and ASK, which come through after too many redirections. node-redis repeats nothing else. */
const PASSING = /^(TRYAGAIN|CLUSTERDOWN|MOVED|ASK|Too many Cluster redirections)\b/;
/** A call's caller waits no longer by default. A fail-over may take longer: then the relay's own repeats go on. */
const REPEATED_MS = 3_000;
const BETWEEN_REPEATS = { firstMs: 25, maxMs: 400 };

/** Repeats `act` for a while if the cluster is on the move. Whatever is sent may be sent twice. */
export async function repeated<T>(
  act: () => Promise<T>,
  {
    clock = systemClock,
    isPassing = isPassingAnswer,
  }: { clock?: Clock; isPassing?: typeof isPassingAnswer } = {},
): Promise<T> {
  const startedAt = clock.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (!isPassing(error) || clock.now() - startedAt >= REPEATED_MS) throw error;
    }
    await sleep(clock, backoffMs(attempt, BETWEEN_REPEATS));
  }
}

export function isPassingAnswer(error: unknown): boolean {
  return error instanceof Error && PASSING.test(error.message);
}
