// Row: many processes want one id at once; many followers come at any moment of short streams.

import { setTimeout as pass } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import type { WorkerProcess } from "../support/process.ts";
import { seededRandom } from "../../src/lib/random.ts";
import type { ReadingReport } from "../support/reading.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { within } from "../support/wait.ts";

const rounds = Array.from({ length: 25 }, (_, round) => `round ${round}`);

describe.each(FAULT_CLIENTS)("races, over %s", (clients) => {
  it(
    "6 processes race one id, 25 rounds: one producer each, and all have the whole text (G1, G3)",
    { timeout: 120_000 },
    async () => {
      await using scene = await Scene.open(clients);
      const racers = await scene.workers(6);
      for (const round of rounds) {
        const source: SourceSpec = { label: round, chunks: 20, everyMs: 2, holdAfter: 10 };
        const race = racers.map((racer) =>
          racer.start({ read: round, call: "resumableStream", streamId: round, source }),
        );
        const answers = await within(20_000, `the race of ${round}`, Promise.all(race));
        expect(answers.map(({ outcome }) => outcome)).toEqual(racers.map(() => "stream"));
        const reports = await Promise.all(racers.map((racer) => racer.ask("source", { label: round })));
        expect(reports.map(({ made }) => made).filter((made) => made > 0)).toEqual([1]);

        await racers[reports.findIndex(({ made }) => made === 1)]?.ask("release", { label: round });
        const readings = await Promise.all(racers.map((racer) => racer.ended(round, 20_000)));
        for (const reading of readings) expectWhole(reading, source, 0);
      }
      await Promise.all(racers.map((racer) => racer.settled(10_000)));
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it(
    "6 processes race an id whose stream is short: one producer, and all have the whole text or null (G1, G3)",
    { timeout: 120_000 },
    async () => {
      await using scene = await Scene.open(clients);
      const racers = await scene.workers(6);
      for (const round of rounds) {
        const source: SourceSpec = { label: round, chunks: 3, everyMs: 1 };
        const race = racers.map((racer) =>
          racer.start({ read: round, call: "resumableStream", streamId: round, source }),
        );
        const answers = await within(20_000, `the race of ${round}`, Promise.all(race));
        const reports = await Promise.all(racers.map((racer) => racer.ask("source", { label: round })));
        expect(reports.map(({ made }) => made).filter((made) => made > 0)).toEqual([1]);
        await Promise.all(
          racers.map(async (racer, index) => {
            if (answers[index]?.outcome === "null") return;
            expect(answers[index]?.outcome).toBe("stream");
            expectWhole(await racer.ended(round, 20_000), source, 0);
          }),
        );
      }
      await Promise.all(racers.map((racer) => racer.settled(10_000)));
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it(
    "200 followers attach at random moments of 20 short streams: every one whole, or null (G1)",
    { timeout: 120_000 },
    async () => {
      await using scene = await Scene.open(clients);
      const [producer, ...hosts] = await scene.workers(5);
      if (producer === undefined) throw new Error("No producer");
      const random = seededRandom(200);
      // What connecting takes isn't what this is about.
      await Promise.all(hosts.map((host) => host.ask("has", { streamId: "none" })));
      const outcomes: string[] = [];
      for (let batch = 0; batch < 4; batch += 1) {
        const streams = Array.from({ length: 5 }, (_, index) => `stream ${batch}-${index}`);
        const attached = await Promise.all(
          streams.map(async (streamId, index) => {
            const source: SourceSpec = { label: streamId, chunks: 20 + index * 5, everyMs: 10 };
            const call = index % 2 === 0 ? "resumableStream" : "createNewResumableStream";
            await producer.reads({ read: streamId, call, streamId, source });
            const followers = Array.from({ length: 10 }, (_, follower) => ({
              host: hosts[follower % hosts.length] ?? producer,
              read: `follower ${follower} of ${streamId}`,
              afterMs: random() * 500,
              skipCharacters: Math.floor(random() * 100),
            }));
            return Promise.all(followers.map((follower) => attach(source, follower)));
          }),
        );
        outcomes.push(...attached.flat());
      }
      // Streams last 200 to 400 ms: some moments of 500 ms are too late, and most aren't.
      expect(outcomes).toHaveLength(200);
      expect(new Set(outcomes)).toEqual(new Set(["stream", "null"]));
      await producer.settled(15_000);
      expect(await scene.troubles()).toEqual([]);
    },
  );
});

interface Attachment {
  host: WorkerProcess;
  read: string;
  afterMs: number;
  skipCharacters: number;
}

async function attach(
  source: SourceSpec,
  { host, read, afterMs, skipCharacters }: Attachment,
): Promise<string> {
  // Not a wait for something: the random moment is what this test is about.
  await pass(afterMs);
  const call = "resumeExistingStream";
  const { outcome } = await host.start({ read, call, streamId: source.label, skipCharacters });
  expect(["stream", "null"]).toContain(outcome);
  if (outcome === "stream") expectWhole(await host.ended(read, 20_000), source, skipCharacters);
  return outcome;
}

function expectWhole({ text, end }: ReadingReport, source: SourceSpec, skipCharacters: number): void {
  expect(end).toEqual({ kind: "clean" });
  expect(text).toBe(sourceText(source).slice(skipCharacters));
}
