// Reads of one process, together: what followers ask for in one turn travels in one statement, and each page once.

import { ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { createDeferred, type Deferred } from "../../lib/deferred.ts";
import type { PageRequest, StoredPage } from "../log/store.ts";
import { textFrom } from "./entries.ts";
import { parseEntries, parseRecord, toFailure, toNumber } from "./parse.ts";
import { type PostgresParts, run } from "./parts.ts";

/** Statements at a time, so that a small pool has connections left for the appends. */
const MAX_READING = 2;
/** Pages a statement. */
const MAX_PAGES = 16;

interface Waiting extends PageRequest {
  answer: Deferred<StoredPage | undefined>;
}

export class Reads {
  readonly #context: PostgresParts;
  /** By what is asked, so that followers at the same place share a page. */
  readonly #waiting = new Map<string, Waiting>();
  #reading = 0;
  #isScheduled = false;

  constructor(context: PostgresParts) {
    this.#context = context;
  }

  read(request: PageRequest): Promise<StoredPage | undefined> {
    const name = `${request.from}:${request.maxUnits}:${request.isBound}:${request.key}`;
    const waiting = this.#waiting.get(name) ?? {
      ...request,
      answer: createDeferred<StoredPage | undefined>(),
    };
    this.#waiting.set(name, waiting);
    this.#schedule();
    return waiting.answer.promise;
  }

  close(): void {
    const closed = new ResumableStreamError("CLOSED", "Cannot read: the context was closed.");
    for (const { answer } of this.#waiting.values()) answer.reject(closed);
    this.#waiting.clear();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#reading >= MAX_READING || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (this.#waiting.size > 0) this.#start();
    });
  }

  #start(): void {
    const batch = [...this.#waiting].slice(0, MAX_PAGES);
    for (const [name] of batch) this.#waiting.delete(name);
    const requests = batch.map(([, request]) => request);
    this.#reading += 1;
    background(
      this.#ask(requests).finally(() => {
        this.#reading -= 1;
        this.#schedule();
      }),
      (error) => {
        for (const { answer } of requests) answer.reject(toFailure(error));
      },
    );
    this.#schedule();
  }

  async #ask(requests: readonly Waiting[]): Promise<void> {
    const input = requests.map(({ key, from, maxUnits, isBound }, n) => ({
      n,
      stream_id: key,
      from,
      units: maxUnits,
      bound: isBound,
    }));
    const rows = await run(this.#context, "read", [JSON.stringify(input)]);
    const answers = new Map(rows.map((row) => [toNumber(row, "n"), row]));
    for (const [n, { from, answer }] of requests.entries()) {
      const row = answers.get(n);
      try {
        answer.resolve(row && { record: parseRecord(row), text: textFrom(from, parseEntries(row)) });
      } catch (error) {
        // One stream's trouble isn't the others'.
        answer.reject(toFailure(error));
      }
    }
  }
}
