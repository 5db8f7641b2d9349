// Row: the source errors; makeStream throws or rejects.

import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS } from "../support/clients.ts";
import type { ErrorReport } from "../support/error-report.ts";
import type { ReadEnd } from "../support/reading.ts";
import { Scene } from "../support/scene.ts";
import { sourceText, type SourceSpec } from "../support/source.ts";
import { until } from "../support/wait.ts";

describe.concurrent.each(FAULT_CLIENTS)("a source that fails, over %s", (clients) => {
  it("primary and followers get the text up to the failure and SOURCE_FAILED; the id is free (G1, G6, G7)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, early, late] = await Promise.all([scene.worker(), scene.worker(), scene.worker()]);
    const source: SourceSpec = { label: "broken", chunks: 40, everyMs: 5, holdAfter: 20, end: "error" };
    await producer.reads({ read: "primary", call: "resumableStream", streamId: "s", source });
    await early.reads({ read: "early", call: "resumeExistingStream", streamId: "s" });
    await early.ask("reached", { read: "early", length: sourceText(source, 20).length });
    await late.reads({ read: "late", call: "resumeExistingStream", streamId: "s", skipCharacters: 33 });

    await producer.ask("release", { label: "broken" });
    const failed = { kind: "error", error: { code: "SOURCE_FAILED" } };
    const primary = await producer.ended("primary", 5_000);
    expect(primary.text).toBe(sourceText(source));
    expect(primary.end).toMatchObject(failed);
    const whole = await early.ended("early", 5_000);
    expect(whole.text).toBe(sourceText(source));
    expect(whole.end).toMatchObject(failed);
    const part = await late.ended("late", 5_000);
    expect(part.text).toBe(sourceText(source).slice(33));
    expect(part.end).toMatchObject(failed);

    // The id is free once the followers have all; the producer may stay for them a moment.
    await producer.settled(8_000);
    expect(await early.ask("has", { streamId: "s" })).toBe(null);
    const again: SourceSpec = { label: "again", chunks: 10, everyMs: 1 };
    await early.reads({ read: "again", call: "resumableStream", streamId: "s", source: again });
    const second = await early.ended("again", 5_000);
    expect(second.text).toBe(sourceText(again));
    expect(second.end).toEqual({ kind: "clean" });
    expect(await scene.troubles()).toEqual([]);
  });

  it("an unfollowed failure frees the id at once (G6)", async () => {
    await using scene = await Scene.open(clients);
    const producer = await scene.worker();
    const source: SourceSpec = { label: "broken", chunks: 5, everyMs: 1, end: "error" };
    await producer.reads({ read: "primary", call: "createNewResumableStream", streamId: "s", source });
    const primary = await producer.ended("primary", 5_000);
    expect(primary.text).toBe(sourceText(source));
    expect(primary.end).toMatchObject({ kind: "error", error: { code: "SOURCE_FAILED" } });
    await producer.settled(2_000);
    expect(await producer.ask("has", { streamId: "s" })).toBe(null);
    expect(await scene.troubles()).toEqual([]);
  });

  it.each(["throw", "reject"] as const)(
    "makeStream may %s: its caller is told, and the id is free (G6, G7)",
    async (end) => {
      await using scene = await Scene.open(clients);
      const [producer, other] = await Promise.all([scene.worker(), scene.worker()]);
      for (const call of ["resumableStream", "createNewResumableStream"] as const) {
        const source: SourceSpec = { label: `${call} ${end}`, chunks: 0, everyMs: 0, end };
        const answer = await producer.start({ read: call, call, streamId: call, source });
        const error =
          answer.outcome === "stream" ? endError((await producer.ended(call, 5_000)).end) : answer.error;
        expect(error).toMatchObject({ code: "SOURCE_FAILED" });
        await producer.settled(8_000);
        expect(await other.ask("has", { streamId: call })).toBe(null);
        const again: SourceSpec = { label: `again ${call}`, chunks: 10, everyMs: 1 };
        await other.reads({ read: call, call: "resumableStream", streamId: call, source: again });
        expect((await other.ended(call, 5_000)).text).toBe(sourceText(again));
      }
      expect(await scene.troubles()).toEqual([]);
    },
  );

  it("who waits while makeStream takes its time gets its failure, not silence (G6, G7)", async () => {
    await using scene = await Scene.open(clients);
    const [producer, follower] = await Promise.all([scene.worker(), scene.worker()]);
    const source: SourceSpec = { label: "slow to fail", chunks: 0, everyMs: 0, holdAfter: 0, end: "reject" };
    const started = producer.start({ read: "primary", call: "resumableStream", streamId: "s", source });
    // The follower's own call: it finds the claim whichever comes first.
    await until(() => producer.ask("has", { streamId: "s" }).then((status) => status === true), {
      what: "the claim",
    });
    const following = follower.start({ read: "follower", call: "resumeExistingStream", streamId: "s" });
    await until(async () => (await scene.redis.pubsubChannels("*:chunk:*")).length > 0, {
      what: "a follower's inbox",
    });
    await producer.ask("release", { label: "slow to fail" });

    const answer = await started;
    const error =
      answer.outcome === "stream" ? endError((await producer.ended("primary", 5_000)).end) : answer.error;
    expect(error).toMatchObject({ code: "SOURCE_FAILED" });
    const followed = await following;
    const told =
      followed.outcome === "stream"
        ? endError((await follower.ended("follower", 8_000)).end)
        : followed.outcome;
    // By its stream, or by the call, where that was still looking for a producer: there is nothing any more.
    expect([{ code: "SOURCE_FAILED" }, "undefined"]).toContainEqual(
      typeof told === "string" ? told : { code: told?.code },
    );
    expect(await scene.troubles()).toEqual([]);
  });
});

function endError(end: ReadEnd | undefined): ErrorReport | undefined {
  return end?.kind === "error" ? end.error : undefined;
}
