// When an answer has ended: who saves it, and who waits for that.

import { type EndedStream, type OnEnd, SET_ON_END } from "../api/on-end.ts";
import type { ResumableStreamContext } from "../api/types.ts";
import { onAbort } from "../lib/abort.ts";
import { background } from "../lib/background.ts";
import { sleep, systemClock } from "../lib/clock.ts";
import { Latch } from "../lib/latch.ts";
import { shared } from "../lib/shared.ts";

/** The takers of a context's ended streams, by the prefix of their ids. */
type Takers = Map<string, OnEnd>;

/**
 * Gives the ended streams with this prefix to `take`. A second call for the prefix replaces the first, as a module that is
 * loaded again needs it.
 */
export function takeEnds(context: object, prefix: string, take: OnEnd): void {
  const all = shared("chat-ends.1", () => new WeakMap<object, Takers>());
  const known = all.get(context);
  const takers = known ?? new Map<string, OnEnd>();
  if (!known) {
    if (!canSetOnEnd(context)) {
      throw new TypeError("context must be one that this version of resumable-stream made.");
    }
    context[SET_ON_END](async (ended: EndedStream) => {
      const starts = [...takers.keys()].filter((start) => ended.streamId.startsWith(start));
      const longest = starts.sort((a, b) => b.length - a.length)[0];
      if (longest !== undefined) await takers.get(longest)?.(ended);
    });
    all.set(context, takers);
  }
  takers.set(prefix, take);
}

function canSetOnEnd(context: object): context is { [SET_ON_END]: (onEnd: OnEnd) => void } {
  return SET_ON_END in context;
}

/** Farther than any text goes: who follows from here gets nothing but the end. */
const BEYOND = Number.MAX_SAFE_INTEGER;

export interface EndWait {
  /** Only this generation is waited for; any if it is undefined. */
  generation?: string | undefined;
  withinMs: number;
  signal?: AbortSignal;
}

/** Whether the stream has ended, and was saved, by the time that `withinMs` are over. */
export async function hasEnded(
  context: Pick<ResumableStreamContext, "resumeExistingStream">,
  streamId: string,
  { generation, withinMs, signal }: EndWait,
): Promise<boolean> {
  const position = generation === undefined ? BEYOND : `${BEYOND}.${generation}`;
  const stream = await context.resumeExistingStream(streamId, position);
  if (!stream) return true;
  const reader = stream.getReader();
  const over = new Latch();
  const ignoreSignal = signal && onAbort(signal, () => over.set());
  const ended = reader.read().then(
    () => true,
    () => true,
  );
  if (signal?.aborted) over.set();
  const isOver = await Promise.race([ended, sleep(systemClock, withinMs, over).then(() => false)]);
  over.set();
  ignoreSignal?.();
  if (!isOver) background(reader.cancel(), () => undefined);
  return isOver;
}
