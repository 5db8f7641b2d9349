// Streams that one process produces and another follows, each with a first word.

import type { DurableStreamContext } from "../../src/postgres.ts";
import { type ManualSource, manualSource } from "../../src/testing/manual-source.ts";
import { read, type Reading } from "../../src/testing/reading.ts";

export interface Followed {
  source: ManualSource;
  reading: Reading;
}

/** Streams `s0`, `s1` and so on, whose followers have "before " of each. */
export function openFollowedStreams(
  count: number,
  { producing, following }: Record<"producing" | "following", DurableStreamContext>,
): Promise<Followed[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const source = manualSource();
      await producing.createNewResumableStream(`s${n}`, source.makeStream);
      source.push("before ");
      const reading = read(await following.resumeExistingStream(`s${n}`));
      await reading.reached(7);
      return { source, reading };
    }),
  );
}
