// Contexts made per request, as some apps do, and never closed.

import type { ResumableStreamContext } from "../../src/api/types.ts";
import type { ResumableStreamError } from "../../src/port/errors.ts";
import { sourceOf } from "../../src/testing/manual-source.ts";
import { readWhole } from "../../src/testing/reading.ts";
import { heapUsed } from "./heap.ts";
import { until } from "./wait.ts";

const CONTEXTS = 500;
const AT_ONCE = 20;

/** Streams by 500 contexts, and waits until none but the last are kept, nor what their `onError` closes over. */
export async function untilNoneIsKept(
  make: (onError: (error: ResumableStreamError) => void) => Pick<ResumableStreamContext, "resumableStream">,
): Promise<void> {
  const told: WeakRef<() => void>[] = [];
  const useOnce = async (n: number): Promise<void> => {
    const onError = (): number => n;
    told.push(new WeakRef(onError));
    await readWhole(make(onError).resumableStream(`s${n}`, sourceOf(["text"])));
  };
  for (let n = 0; n < CONTEXTS; n += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => useOnce(n + i)));
  const kept = async (): Promise<number> => {
    await heapUsed();
    return told.filter((each) => each.deref() !== undefined).length;
  };
  // A channel, or a connection that listens, is kept for 3 s.
  await until(async () => (await kept()) <= AT_ONCE, {
    what: "the contexts to be collected",
    withinMs: 15_000,
  });
}
