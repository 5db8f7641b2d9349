// An answer that comes after its caller has stopped waiting for a database that is away.

import { expect, test } from "vitest";
import { systemRandom } from "../../../src/lib/random.ts";
import { createDeferred } from "../../../src/lib/deferred.ts";
import type { ResumableStreamError } from "../../../src/port/errors.ts";
import { turns } from "../../../src/testing/reading.ts";
import type { Row } from "../../../src/transports/postgres/database.ts";
import { Outages } from "../../../src/transports/log/outages.ts";
import { type PostgresParts, sendForCaller } from "../../../src/transports/postgres/parts.ts";
import { createQueries } from "../../../src/transports/postgres/queries.ts";
import { manualClock } from "../../support/manual-clock.ts";

/** A call of a database that is away, whose caller has given up. */
async function openScene(onLate: (rows: Row[]) => void) {
  const clock = manualClock();
  const outages = new Outages(clock);
  outages.failed(clock.now());
  const answer = createDeferred<Row[]>();
  const reported: ResumableStreamError[] = [];
  const parts: PostgresParts = {
    settings: {
      retentionSeconds: 60,
      leaseMs: 10_000,
      flushIntervalMs: 100,
      followedFlushIntervalMs: 100,
      pollIntervalMs: 1_000,
      listenTimeoutMs: 1_000,
      statementTimeoutMs: 3_000,
    },
    queries: createQueries({ tables: { sessions: "s", chunks: "c" }, leaseMs: 10_000, hasGrace: true }),
    database: {
      outages,
      run: () => Promise.resolve([]),
      listen: undefined,
      isClosed: () => false,
      close: () => Promise.resolve(),
    },
    running: new Set(),
    channel: "channel",
    clock,
    random: systemRandom,
    onError: (error) => reported.push(error),
  };
  const calling = sendForCaller(parts, () => answer.promise, onLate);
  clock.pass(100);
  await expect(calling).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
  return { answer, reported };
}

test("what the use of a late answer throws is told to onError (G7)", async () => {
  const cause = new TypeError("no such column");
  const { answer, reported } = await openScene(() => {
    throw cause;
  });
  answer.resolve([]);
  await turns(1);
  expect(reported).toMatchObject([{ code: "TRANSPORT_UNAVAILABLE", cause }]);
});

test("a late failure of the statement is told to nobody: its caller knows of the outage (G7)", async () => {
  let isTold = false;
  const { answer, reported } = await openScene(() => (isTold = true));
  answer.reject(new Error("terminated"));
  await turns(1);
  expect({ isTold, reported }).toEqual({ isTold: false, reported: [] });
});
