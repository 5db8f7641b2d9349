// Row: messages dropped, doubled, delayed and reordered by the transport.

import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import type { Mistreatment } from "../../src/testing/mistreat.ts";
import { Scene } from "../support/scene.ts";
import type { OpenParams } from "../support/worker-protocol.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";

/**
 * A question and its answer get through this line two times of three. Of eight tries in the default two seconds all fail once in
 * 3,500 reads, and a test makes hundreds.
 */
const ackTimeoutMs = 6_000;
const badly: Mistreatment = { lost: 0.2, doubled: 0.2, late: 0.3, maxDelayMs: 50 };
// Holds near its end, for the last follower's attaching takes as long as it takes on such a line.
const source: SourceSpec = { label: "bad line", chunks: 300, everyMs: 5, holdAfter: 270 };

describe.concurrent.each(FAULT_CLIENTS)(
  "a transport that loses, doubles, delays and reorders, over %s",
  (clients) => {
    it(
      "followers that come early, in the middle and at the end get the whole text (G1)",
      { timeout: 60_000 },
      async () => {
        await using scene = await Scene.open(clients);
        const lossy = (seed: number): Partial<OpenParams> => ({
          lossy: { ...badly, seed },
          options: { ackTimeoutMs },
        });
        const [producer, ...followers] = await Promise.all(
          [1, 2, 3, 4].map((seed) => scene.worker(lossy(seed))),
        );
        if (producer === undefined) throw new Error("No producer");
        await producer.reads({ read: "primary", call: "createNewResumableStream", streamId: "s", source });

        const whole = sourceText(source);
        const starts = [0, 0.4, 0.9].map((share) => sourceText(source, Math.floor(300 * share)).length);
        await Promise.all(
          followers.map(async (follower, index) => {
            await producer.ask("reached", { read: "primary", length: starts[index] ?? 0 });
            await follower.reads({ read: "f", call: "resumeExistingStream", streamId: "s" });
          }),
        );
        await producer.ask("release", { label: "bad line" });
        const readings = await Promise.all(followers.map((follower) => follower.ended("f", 40_000)));
        for (const reading of readings)
          expect(reading).toMatchObject({ end: { kind: "clean" }, text: whole });
        expect(await producer.ended("primary", 1_000)).toMatchObject({ end: { kind: "clean" }, text: whole });
        await producer.settled(15_000);
        expect(await scene.troubles()).toEqual([]);
      },
    );
  },
);
