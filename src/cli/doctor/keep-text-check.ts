// The check that a context with `keepText: true` would work: its scripts run, and the messages that they publish arrive.

import { randomUUID } from "node:crypto";
import { checkOptions } from "../../api/options.ts";
import { ResumableStreamError } from "../../port/errors.ts";
import type { AppendAnswer, Claimed } from "../../transports/log/store.ts";
import { bounded } from "../deadline.ts";
import { describeError } from "../print.ts";
import { KeptStreams } from "../stores/redis-kept.ts";
import type { Check, Finding } from "./check.ts";
import type { RedisSubject } from "./redis-checks.ts";

/** Each is more than half of an open tail: the second seals the first into an entry. */
const HALVES = ["one ".repeat(800), "two ".repeat(800)] as const;
const TEXT = HALVES.join("");
const DELIVERY_TIMEOUT_MS = 3_000;

/** A warning, and no failure: apps that don't keep their text in Redis do without all of it. */
export const keepText: Check<RedisSubject> = {
  name: "keepText",
  advice:
    "Where an app sets keepText: true, allow its user EVALSHA and EVAL, the commands in its scripts, and the keys and channels of the prefix (ACL: ~PREFIX:rs:* &PREFIX:rs:* +@read +@write +@pubsub +eval +evalsha +time +info).",
  run: async (subject) => {
    const { one, other, keyPrefix } = subject;
    // Errors are told by what is thrown.
    const checked = checkOptions({
      keyPrefix,
      retentionSeconds: 60,
      waitUntil: null,
      onError: () => undefined,
    });
    const kept = new KeptStreams({ publisher: one, subscriber: other, checked });
    const streamId = `doctor-${randomUUID()}`;
    try {
      const startedAt = performance.now();
      const trouble = await tryOut(kept, streamId);
      if (trouble !== undefined) return warning(trouble);
      const tookMs = Math.round(performance.now() - startedAt);
      return { status: "ok", found: `text is kept, heard, read and removed by scripts, in ${tookMs} ms` };
    } catch (error) {
      return warning(whyOf(error));
    } finally {
      await kept.remove(streamId).catch(() => undefined);
      await kept.context.close();
    }
  },
};

/** Trouble, or undefined if all is well. */
async function tryOut({ store }: KeptStreams, streamId: string): Promise<string | undefined> {
  const key = store.keyOf(streamId);
  const ask = { mode: "if-free", handovers: null, isOwedGivenUp: false } as const;
  const claimed = await store.claim(key, ask, () => undefined);
  if (!claimed || (await store.claim(key, ask, () => undefined)))
    return "a stream can't be claimed just once";
  let heard = "";
  let onReady: () => void = () => undefined;
  let onAll: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (onReady = resolve));
  const all = new Promise<void>((resolve) => (onAll = resolve));
  const ear = store.listen(key, (signal) => {
    if (signal.type === "missed") return onReady();
    if (signal.type === "page") heard += signal.page.text;
    if (heard === TEXT) onAll();
  });
  try {
    await bounded("subscribe to live text", ready, DELIVERY_TIMEOUT_MS);
    // From here on it counts as followed, and its text is published.
    await store.read({ key, epoch: claimed.epoch, from: 0, maxUnits: 1, isBound: true });
    const answers = [
      await append(store, { key, claimed, from: 0, text: HALVES[0] }),
      await append(store, { key, claimed, from: HALVES[0].length, text: HALVES[1] }),
    ];
    if (answers.some(({ status }) => status !== "written")) return "text isn't written";
    const page = await store.read({
      key,
      epoch: claimed.epoch,
      from: 0,
      maxUnits: TEXT.length,
      isBound: true,
    });
    if (page?.text !== TEXT) return "the text that is read differs from what was written";
    if ((await store.stop(key, { reason: undefined, epoch: claimed.epoch })) !== claimed.epoch)
      return "a stream isn't stopped";
    await bounded("deliver live text", all, DELIVERY_TIMEOUT_MS);
    return undefined;
  } finally {
    ear.close();
  }
}

function append(
  store: KeptStreams["store"],
  { key, claimed, from, text }: { key: string; claimed: Claimed; from: number; text: string },
): Promise<AppendAnswer> {
  const tail = from + text.length;
  const { epoch } = claimed;
  const write = { key, epoch, claimed, pieces: [{ from, text }], from, tail, end: undefined, owed: null };
  return store.append([write]).then(([answer]) => answer ?? { status: "fenced" });
}

function warning(why: string): Omit<Finding, "check"> {
  return { status: "warning", found: `keepText: true can't be used: ${why}`, advice: keepText.advice };
}

/** The server's own words: what the library says around them is for apps. */
function whyOf(error: unknown): string {
  return describeError(error instanceof ResumableStreamError ? (error.cause ?? error) : error);
}
