// Several processes that would produce the same stream at once, since its producer is dead.

import { expect } from "vitest";
import type { WorkerProcess } from "./process.ts";
import { sourceText, type SourceSpec } from "./source.ts";
import { within } from "./wait.ts";

/** Each waits in its middle, so that all have come before the winner is done. */
const source: SourceSpec = { label: "again", chunks: 60, everyMs: 5, holdAfter: 20 };

/** One of them wins, and all get its text. */
export async function expectOneTakeover(callers: readonly WorkerProcess[], streamId: string): Promise<void> {
  const calls = callers.map((caller) =>
    caller.start({ read: "again", call: "resumableStream", streamId, source }),
  );
  const answers = await within(15_000, `${calls.length} calls`, Promise.all(calls));
  expect(answers.map(({ outcome }) => outcome)).toEqual(callers.map(() => "stream"));
  const reports = await Promise.all(callers.map((caller) => caller.ask("source", { label: source.label })));
  expect(reports.map(({ made }) => made).filter((made) => made > 0)).toEqual([1]);
  await callers[reports.findIndex(({ made }) => made === 1)]?.ask("release", { label: source.label });
  for (const caller of callers) {
    const reading = await caller.ended("again", 10_000);
    expect(reading).toMatchObject({ end: { kind: "clean" }, text: sourceText(source) });
  }
}
