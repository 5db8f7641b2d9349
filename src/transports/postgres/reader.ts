// Reads of one process, together: what followers ask for in one turn travels in one statement, and each page once.

import { ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { createDeferred, type Deferred } from "../../lib/deferred.ts";
import { cutBeforePair } from "../../lib/text.ts";
import type { Page, ReadResult } from "../../port/transport.ts";
import type { Row } from "./database.ts";
import { textFrom } from "./entries.ts";
import type { Handovers, NamedStream } from "./handovers.ts";
import { parseEntries, parseState, type SessionState, toNumber } from "./parse.ts";
import { type PostgresParts, readingOf, run } from "./parts.ts";

/** What a page holds at most: with the row that reaches beyond it, below 256 KiB in UTF-8, whatever the text. */
const MAX_PAGE_UNITS = 65_536;
/** Statements at a time, so that a small pool has connections left for the appends. */
const MAX_READING = 2;
/** Pages a statement. */
const MAX_PAGES = 16;

export interface PageRequest extends NamedStream {
  from: number;
  maxUnits: number;
  /** Whether the follower has a producer already: a new one has nothing to get of a stream that is done. */
  isBound: boolean;
  /** Or whether it wants that all the same. */
  replays: boolean;
  /** It has waited for whoever gives the app the text. */
  hasWaited?: boolean;
}

interface Waiting extends PageRequest {
  answer: Deferred<ReadResult>;
}

export class Reader {
  readonly #context: PostgresParts;
  readonly #handovers: Handovers;
  readonly #onState: (key: string, state: SessionState) => void;
  /** By what is asked, so that followers at the same place share a page. */
  readonly #waiting = new Map<string, Waiting>();
  #reading = 0;
  #isScheduled = false;
  #isClosed = false;

  constructor(
    context: PostgresParts,
    { handovers, onState }: { handovers: Handovers; onState: (key: string, state: SessionState) => void },
  ) {
    this.#context = context;
    this.#handovers = handovers;
    this.#onState = onState;
  }

  read(request: PageRequest): Promise<ReadResult> {
    if (this.#isClosed) return Promise.reject(closedError());
    const maxUnits = Math.min(request.maxUnits, MAX_PAGE_UNITS);
    const name = `${request.from}:${maxUnits}:${request.isBound}:${request.replays}:${request.hasWaited}:${request.key}`;
    const waiting = this.#waiting.get(name) ?? {
      ...request,
      maxUnits,
      answer: createDeferred<ReadResult>(),
    };
    this.#waiting.set(name, waiting);
    this.#schedule();
    return waiting.answer.promise;
  }

  close(): void {
    this.#isClosed = true;
    for (const { answer } of this.#waiting.values()) answer.reject(closedError());
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
        const failure = error instanceof Error ? error : new Error(String(error));
        for (const { answer } of requests) answer.reject(failure);
      },
    );
    this.#schedule();
  }

  async #ask(requests: readonly Waiting[]): Promise<void> {
    const input = requests.map(({ key, from, maxUnits, isBound, replays }, n) => ({
      n,
      stream_id: key,
      from,
      units: maxUnits,
      bound: isBound || replays,
    }));
    const rows = await run(this.#context, "read", [JSON.stringify(input)]);
    const answers = new Map(rows.map((row) => [toNumber(row, "n"), row]));
    for (const [n, request] of requests.entries()) {
      const row = answers.get(n);
      const state = row && parseState(row, readingOf(this.#context));
      if (state) this.#onState(request.key, state);
      const handedOver = state && this.#handedOver(request, state);
      if (handedOver) {
        this.#readAfter(handedOver, request);
        continue;
      }
      try {
        request.answer.resolve(row && state ? toResult(request, row, state) : { status: "absent" });
      } catch (error) {
        // One stream's trouble isn't the others'.
        request.answer.reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  /** Settles when an answer may be given: until the app has a stream nobody is told that it is over. Undefined if it may at once. */
  #handedOver(request: Waiting, { end, handover }: SessionState): Promise<void> | undefined {
    // Its end is known: it is told what it lacks of the text.
    if (request.isBound && end !== undefined) return undefined;
    if (handover === "due") return this.#handovers.take(request);
    const isElsewhere = handover === "running" && end !== undefined;
    return isElsewhere && !request.hasWaited ? this.#handovers.untilOver(request) : undefined;
  }

  #readAfter(handedOver: Promise<void>, request: Waiting): void {
    const { answer } = request;
    const reading = handedOver.then(() => this.read({ ...request, hasWaited: true }));
    background(reading.then(answer.resolve), (error) =>
      answer.reject(error instanceof Error ? error : new Error(String(error))),
    );
  }
}

function toResult(
  { from, maxUnits, isBound, replays }: PageRequest,
  row: Row,
  state: SessionState,
): ReadResult {
  if (!isBound && !replays && (state.end === "done" || state.end === "stopped")) return { status: "done" };
  const text = textFrom(from, parseEntries(row));
  // To be asked for again and again would be no better than to be told.
  if (text === undefined || (text === "" && from < state.tail && maxUnits > 0)) {
    // While it runs its producer may be about to write it again. After that nobody will.
    if (state.end === undefined) throw holeError(from);
    return { status: "page", page: toPage({ ...state, tail: from, end: "failed" }, { from, text: "" }) };
  }
  return {
    status: "page",
    page: toPage(state, { from, text: text.slice(0, cutBeforePair(text, 0, maxUnits)) }),
  };
}

/** What a row tells, as a page, with text or without. */
export function toPage(state: SessionState, { from, text }: { from: number; text: string }): Page {
  const page: Page = { from, text, tail: state.tail, epoch: state.epoch };
  if (state.end !== undefined) page.end = state.end;
  return page;
}

function closedError(): ResumableStreamError {
  return new ResumableStreamError("CLOSED", "Cannot read: the context was closed.");
}

function holeError(from: number): ResumableStreamError {
  return new ResumableStreamError(
    "TRANSPORT_UNAVAILABLE",
    `Cannot read from offset ${from}: the table lacks text that its session counts. Was a chunk deleted by hand?`,
  );
}
