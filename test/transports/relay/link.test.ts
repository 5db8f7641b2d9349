// A process that has much to send at once.

import { expect, test } from "vitest";
import { createDeferred } from "../../../src/lib/deferred.ts";
import { turns } from "../../../src/testing/reading.ts";
import { MemoryBus } from "../../../src/transports/memory/memory-bus.ts";
import { Link } from "../../../src/transports/relay/link.ts";
import type { PublishPort } from "../../../src/transports/relay/ports.ts";
import { manualClock } from "../../support/manual-clock.ts";

test("1,000 streams that end at once are written 250 at a time, whoever writes them", async () => {
  const answers: Array<() => void> = [];
  let most = 0;
  const answered = async (): Promise<boolean> => {
    const answer = createDeferred<boolean>();
    answers.push(() => answer.resolve(true));
    most = Math.max(most, answers.length);
    return answer.promise;
  };
  const own = new MemoryBus().publishPort();
  const port: PublishPort = { ...own, records: { ...own.records, finish: answered, freeIf: answered } };
  const open = (): Link =>
    new Link({ port, clock: manualClock(), timeoutMs: 2_000, onError: () => undefined });
  const links = [open(), open()];
  const claim = { epoch: 7, ttlSeconds: 60 };
  const ends = Array.from({ length: 500 }, (_, index) =>
    links.map((link) =>
      index % 2 === 0
        ? link.finish(`s${index}`, claim, { epoch: 7, tail: 0, end: "done" })
        : link.freeIf(`s${index}`, "e7"),
    ),
  );
  const all = Promise.all(ends.flat());
  let written = 0;
  while (written < 1_000) {
    await turns(1);
    const batch = answers.splice(0);
    expect(batch.length).toBeGreaterThan(0);
    written += batch.length;
    for (const answer of batch) answer();
  }
  expect(await all).toHaveLength(1_000);
  expect(most).toBe(250);
});
