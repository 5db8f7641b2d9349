// Row: a producer frozen past its lease is taken over, and wakes up.

import { expect, it } from "vitest";
import { PostgresScene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { until } from "../support/wait.ts";

const older: SourceSpec = { label: "older", chunks: 300, everyMs: 10 };
const newer: SourceSpec = { label: "newer", chunks: 100, everyMs: 5, holdAfter: 50 };

it.each(["resumableStream", "createNewResumableStream"] as const)(
  "frozen past its lease, taken over by %s and thawed: it is FENCED, and the newer stream is whole and done (G5)",
  { timeout: 40_000 },
  async (call) => {
    await using scene = await PostgresScene.open();
    const options = { leaseMs: 2_000 };
    const [first, second, follower] = await Promise.all([
      scene.worker({ options }),
      scene.worker({ options }),
      scene.worker({ options }),
    ]);
    await first.reads({ read: "older", call: "createNewResumableStream", streamId: "s", source: older });
    await first.ask("reached", { read: "older", length: 300 });
    first.freeze();
    await until(async () => (await second.ask("has", { streamId: "s" })) === "failed", { what: "the lease" });

    await second.reads({ read: "newer", call, streamId: "s", source: newer });
    await follower.reads({ read: "of newer", call: "resumeExistingStream", streamId: "s" });
    first.thaw();

    const own = await first.ended("older", 15_000);
    expect(sourceText(older).startsWith(own.text ?? "no text")).toBe(true);
    expect(own.end?.kind === "error" || own.text === sourceText(older)).toBe(true);
    await first.settled(10_000);
    expect((await first.ask("vitals")).errors.map(({ code }) => code)).toContain("FENCED");

    await second.ask("release", { label: "newer" });
    for (const [worker, read] of [
      [second, "newer"],
      [follower, "of newer"],
    ] as const) {
      expect(await worker.ended(read, 10_000)).toMatchObject({
        end: { kind: "clean" },
        text: sourceText(newer),
      });
    }
    await until(async () => (await follower.ask("has", { streamId: "s" })) === "DONE", { what: "the end" });
    const [row] = await scene.query(
      "select string_agg(chunk, '' order by seq) as text from rs_stream_chunks c join rs_stream_sessions s using (stream_id, epoch)",
    );
    expect(row).toEqual({ text: sourceText(newer) });
    expect(await scene.troubles()).toEqual([]);
  },
);
