// Values with a deadline in a NATS bucket, changed only in whole steps: a write is taken only over the revision that was
// read, and repeated from the read on where another process was quicker.

import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";

/** What the bucket holds. It can't let one key expire before another, so the deadline is kept with the value. */
export interface Stored {
  value: string;
  /** By the clocks of the processes, which have to agree to within a second. Null: only the bucket's age limits it. */
  expiresAt: number | null;
}

/** Given what is there, says what shall be there and what the caller gets. Throws where it can't: nothing is changed. */
export type Step<T> = (stored: Stored | undefined) => { stored: Stored | undefined; result: T };

interface Call {
  /** Works out the caller's result, without telling it yet, and gives what is there afterwards. */
  apply: (stored: Stored | undefined) => Stored | undefined;
  /** Tells the caller its last result. */
  settle: () => void;
  reject: (error: unknown) => void;
}

export class Keys {
  readonly #bucket: KV;
  /** Calls that wait, by key. There is an entry as long as somebody works on the key. */
  readonly #waiting = new Map<string, Call[]>();

  constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  /** Calls about a key that are made at once are one step: nothing of another process comes between them. */
  run<T>(key: string, step: Step<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let settle = (): void => undefined;
      const apply: Call["apply"] = (stored) => {
        try {
          const changed = step(stored);
          settle = () => resolve(changed.result);
          return changed.stored;
        } catch (error) {
          settle = () => reject(error);
          return stored;
        }
      };
      const waiting = this.#waiting.get(key);
      const calls = waiting ?? [];
      calls.push({ apply, settle: () => settle(), reject });
      if (waiting) return;
      this.#waiting.set(key, calls);
      // Not now: what is called in the same turn belongs to the same step.
      setImmediate(() => void this.#work(key, calls));
    });
  }

  async #work(key: string, waiting: Call[]): Promise<void> {
    while (waiting.length > 0) {
      const calls = waiting.splice(0);
      try {
        while (!(await this.#attempt(key, calls)));
        for (const call of calls) call.settle();
      } catch (error) {
        for (const call of calls) call.reject(error);
      }
    }
    this.#waiting.delete(key);
  }

  /** False where another process wrote in between. */
  async #attempt(key: string, calls: Call[]): Promise<boolean> {
    const entry = await this.#bucket.get(key);
    const before = parse(entry);
    const after = calls.reduce((stored, call) => call.apply(stored), before);
    if (after === before || after === undefined) return true;
    try {
      await this.#bucket.put(key, JSON.stringify(after), { previousSeq: entry?.revision ?? 0 });
      return true;
    } catch (error) {
      if (isOvertaken(error)) return false;
      throw error;
    }
  }
}

/** Undefined where there is nothing, or nothing any more. */
function parse(entry: KvEntry | null): Stored | undefined {
  if (entry === null || entry.operation !== "PUT") return undefined;
  const stored = entry.json<Partial<Stored> | null>();
  if (typeof stored?.value !== "string")
    throw new TypeError("The bucket holds what this program didn't write.");
  const { value, expiresAt = null } = stored;
  return expiresAt !== null && expiresAt <= Date.now() ? undefined : { value, expiresAt };
}

function isOvertaken(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence;
}
