// A process that has much to send at once.

import { describe, expect, test } from "vitest";
import { background } from "../../../src/lib/background.ts";
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

describe.each([
  { what: "a server that answers in order", isOrdered: true, readMs: 5_000 },
  { what: "one that answers in any order", isOrdered: false, readMs: 2_000 },
])("while $what goes on to answer others", ({ isOrdered, readMs }) => {
  test("a read is late after five deadlines or one, and a claim after one", async () => {
    const never = new Promise<never>(() => undefined);
    const own = new MemoryBus().publishPort();
    const records = { ...own.records, get: () => never, claimIfFree: () => never };
    const port: PublishPort = { ...own, isOrdered, records };
    const clock = manualClock();
    const options = { port, clock, onError: () => undefined };
    const link = new Link({ ...options, timeoutMs: isOrdered ? 1_000 : 2_000 });
    const claims = new Link({ ...options, timeoutMs: 3_000, isStrict: true });
    const late = new Map<string, number>();
    const note = (what: string, answer: Promise<unknown>): void => {
      background(answer, () => void late.set(what, clock.now()));
    };
    note("read", link.get("s"));
    note("claim", claims.claimIfFree("s", { epoch: 7, ttlSeconds: 60 }));
    for (let passed = 0; passed < 20_000; passed += 100) {
      background(link.publish("other", "message"), () => undefined);
      await turns(1);
      clock.pass(100);
      await turns(1);
    }
    expect(Object.fromEntries(late)).toEqual({ read: readMs, claim: 3_000 });
  });
});
