// What a follower makes of a transport that is silent, away or heard of late.

import { expect, test } from "vitest";
import { ResumableStreamError } from "../../src/port/errors.ts";
import { endOf } from "../../src/engine/ends.ts";
import { Follower } from "../../src/engine/follower.ts";
import { createDeferred, type Deferred } from "../../src/lib/deferred.ts";
import { read, turns } from "../../src/testing/reading.ts";
import type { Page, ReadResult, Transport, WatchSignal } from "../../src/port/transport.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";

const LIVENESS_MS = 3_000;
/** How long a transport takes to find a producer dead that it was asked about. */
const VERDICT_MS = 2_000;
const EPOCH = 5;

interface Scene {
  clock: ManualClock;
  follower: Follower;
  /** What the follower hears. */
  signal: (signal: WatchSignal) => void;
  /** Reads that have no answer yet, the first one first. */
  reads: Deferred<ReadResult>[];
}

/** A follower that has read "a", of a stream that goes on. */
async function openScene(): Promise<Scene> {
  const clock = manualClock();
  const reads: Deferred<ReadResult>[] = [];
  let signal: Scene["signal"] = () => undefined;
  const transport: Pick<Transport, "keepsText" | "peek" | "watch" | "read"> = {
    keepsText: false,
    peek: async () => ({ status: "running", epoch: EPOCH }),
    watch: (_, onSignal) => {
      signal = onSignal;
      return { ready: Promise.resolve(), close: () => undefined };
    },
    read: () => {
      const answer = createDeferred<ReadResult>();
      reads.push(answer);
      return answer.promise;
    },
  };
  const follower = new Follower({
    transport: { ...uncalled, ...transport },
    streamId: "chat",
    from: 0,
    livenessMs: LIVENESS_MS,
    clock,
    onEnded: () => undefined,
    onClosed: () => undefined,
  });
  const attaching = follower.attach();
  await turns(1);
  reads.shift()?.resolve({ status: "page", page: page({ text: "a", tail: 1 }) });
  await attaching;
  return { clock, follower, signal, reads };
}

const uncalled: Pick<Transport, "claim" | "status" | "stop" | "close"> = {
  claim: () => Promise.reject(new Error("claim was called")),
  status: () => Promise.reject(new Error("status was called")),
  stop: () => Promise.reject(new Error("stop was called")),
  close: () => Promise.reject(new Error("close was called")),
};

function page(changes: Partial<Page>): Page {
  return { epoch: EPOCH, from: 0, text: "", tail: 0, ...changes };
}

const away = (): ResumableStreamError => new ResumableStreamError("TRANSPORT_UNAVAILABLE", "away");

test("a read that stays unanswered once the end is known leaves it a clean one (G1)", async () => {
  const { clock, follower, signal, reads } = await openScene();
  // What it asks gets no answer, for longer than it puts up with that. What others are told it hears.
  signal({ type: "missed" });
  reads.shift()?.reject(away());
  await turns(1);
  clock.pass(100);
  const [late] = reads;
  expect(reads.length).toBe(1);
  clock.pass(31_000);
  signal({ type: "page", page: page({ from: 1, text: "b", tail: 2, end: "done" }) });
  late?.reject(away());
  await turns(1);
  expect(await read(follower.stream).ended).toEqual({ kind: "closed", text: "ab" });
});

test("a dead producer is found while one that was superseded goes on publishing (G4)", async () => {
  const { clock, follower, signal, reads } = await openScene();
  let end: unknown;
  void read(follower.stream).ended.then((ended) => (end = ended));
  const older = (tail: number): Page => page({ epoch: EPOCH - 1, from: tail - 1, text: "x", tail });
  for (let passed = 0; passed <= LIVENESS_MS + VERDICT_MS; passed += 250) {
    signal({ type: "page", page: older(2 + passed / 250) });
    for (const answer of reads.splice(0)) clock.after(VERDICT_MS, () => answer.resolve({ status: "lost" }));
    clock.pass(250);
    await turns(1);
  }
  expect(end).toMatchObject({ kind: "errored", text: "a", error: { code: "PRODUCER_LOST" } });
});

test("reads that fail together are one attempt, and the next comes as soon as after one (G1)", async () => {
  const { clock, signal, reads } = await openScene();
  signal({ type: "page", page: page({ from: 900_000, text: "far", tail: 900_003 }) });
  expect(reads.length).toBeGreaterThan(3);
  for (const answer of reads.splice(0)) answer.reject(away());
  await turns(1);
  expect(reads).toEqual([]);
  clock.pass(100);
  expect(reads.length).toBe(1);
});

test("a follower that missed nothing but the end learns it from what its stream has left (G4, G6)", async () => {
  const { follower, signal, reads } = await openScene();
  signal({ type: "missed" });
  signal({ type: "page", page: page({ from: 1, text: "b", tail: 2 }) });
  reads.shift()?.resolve({ status: "done", last: { epoch: EPOCH, tail: 2, end: "stopped" } });
  expect(await read(follower.stream).ended).toEqual({ kind: "closed", text: "ab" });
  expect(await endOf(follower.stream)).toBe("stopped");
});
