// Claims of one process, together: what callers ask for in one turn travels in one statement.

import { background } from "../../lib/background.ts";
import { createDeferred, type Deferred } from "../../lib/deferred.ts";
import type { ClaimAsk, Claimed } from "../log/store.ts";
import { isServerError, type Row } from "./database.ts";
import { isTrue, toClaimed, toFailure, toText } from "./parse.ts";
import { type PostgresParts, run, sendForCaller } from "./parts.ts";

/** Streams per statement, so that its work fits its deadline. */
const MAX_CLAIMS = 100;

type OnLate = (late: Claimed) => void;

interface Waiting {
  answer: Deferred<Claimed | undefined>;
  onLate: OnLate;
}

/** Claims of one turn that ask for the same, by key. */
interface Batch {
  ask: ClaimAsk;
  /** Told to the server, which may be asked twice. */
  name: string;
  claims: Map<string, Waiting>;
}

export class Claims {
  readonly #context: PostgresParts;
  /** By what they ask for. */
  readonly #batches = new Map<string, Batch>();

  constructor(context: PostgresParts) {
    this.#context = context;
  }

  /** `undefined`: it isn't free. */
  claim(key: string, ask: ClaimAsk, onLate: OnLate): Promise<Claimed | undefined> {
    return sendForCaller(
      this.#context,
      () => this.#join(key, ask, onLate),
      (late) => {
        if (late) onLate(late);
      },
    );
  }

  #join(key: string, ask: ClaimAsk, onLate: OnLate): Promise<Claimed | undefined> {
    const name = JSON.stringify(ask);
    let batch = this.#batches.get(name);
    if (batch && (batch.claims.has(key) || batch.claims.size >= MAX_CLAIMS)) {
      this.#start(name, batch);
      batch = undefined;
    }
    if (!batch) {
      const opened: Batch = { ask, name: this.#context.random.uuid(), claims: new Map() };
      batch = opened;
      this.#batches.set(name, opened);
      queueMicrotask(() => this.#start(name, opened));
    }
    const waiting: Waiting = { answer: createDeferred<Claimed | undefined>(), onLate };
    batch.claims.set(key, waiting);
    return waiting.answer.promise;
  }

  #start(name: string, batch: Batch): void {
    if (this.#batches.get(name) !== batch) return;
    this.#batches.delete(name);
    background(this.#ask(batch), (error) => {
      for (const { answer } of batch.claims.values()) answer.reject(toFailure(error));
    });
  }

  async #ask(batch: Batch): Promise<void> {
    const { claims } = batch;
    const answers = claims.size === 1 ? [] : await this.#together(batch);
    const byKey = new Map(answers.map((row) => [toText(row, "stream_id"), row]));
    for (const [key, { answer, onLate }] of claims) {
      const row = byKey.get(key);
      const isLeft = claims.size === 1 || (row !== undefined && isTrue(row, "is_busy"));
      if (isLeft) this.#alone(key, batch, onLate).then(answer.resolve, answer.reject);
      else answer.resolve(row && toClaimed(row));
    }
  }

  /** Passes over rows that somebody has locked, so that one holds up no other claim. */
  async #together(batch: Batch): Promise<Row[]> {
    const { claims } = batch;
    const keys = [...claims.keys()];
    try {
      return await this.#send(keys, { ...batch, isPatient: false }, (late) => {
        for (const row of late) {
          if (!isTrue(row, "is_busy")) claims.get(toText(row, "stream_id"))?.onLate(toClaimed(row));
        }
      });
    } catch (error) {
      if (!isServerError(error instanceof Error ? error.cause : error)) throw error;
      // One stream's trouble isn't the others': each learns for itself whether the server refuses it.
      return keys.map((key) => ({ stream_id: key, is_busy: true }));
    }
  }

  /** Waits for a row that somebody has locked. */
  async #alone(key: string, batch: Batch, onLate: OnLate): Promise<Claimed | undefined> {
    const [row] = await this.#send([key], { ...batch, isPatient: true }, ([late]) => {
      if (late) onLate(toClaimed(late));
    });
    return row && toClaimed(row);
  }

  #send(
    keys: readonly string[],
    { ask, name, isPatient }: Batch & { isPatient: boolean },
    onLate: (rows: Row[]) => void,
  ): Promise<Row[]> {
    const { mode, handovers, isOwedGivenUp } = ask;
    const retentionMs = this.#context.settings.retentionSeconds * 1000;
    const values = [JSON.stringify(keys), mode, retentionMs, handovers, isOwedGivenUp, isPatient, name];
    return run(this.#context, "claim", values, { onLate });
  }
}
