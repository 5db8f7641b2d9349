// A minute of `npm run soak`, over all three stores side by side.

import { describe, expect, it } from "vitest";
import { soak } from "./soak.ts";
import { STORE_KINDS } from "./stores.ts";

/** As many as leave most of two cores to the test file that runs beside this one. */
const STREAMS = 12;
/** Of ten seconds at most, so that some hundred come and go. */
const LONGEST_MS = 10_000;
/** A storm, and some calm. */
const FOR_MS = 30_000;

describe.concurrent("a minute of soaking", () => {
  it.each(STORE_KINDS)(
    "over %s: no text is wrong, nothing hangs, and nothing is left (G1, G2, G3, G4, G6, G7, G8)",
    { timeout: 240_000 },
    async (store) => {
      const { counts, failures } = await soak({
        store,
        seed: 1,
        streams: STREAMS,
        slots: 3,
        longestMs: LONGEST_MS,
        forMs: FOR_MS,
        sampleEveryMs: 500,
      });
      expect(failures.join("\n\n")).toBe("");
      // A soak in which nothing happens would find nothing.
      for (const what of ["fault: kill", "fault: kill server", "end: clean", "resumeExistingStream: stream"])
        expect(counts, what).toHaveProperty([what]);
    },
  );
});
