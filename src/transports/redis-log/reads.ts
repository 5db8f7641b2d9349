// Reads of a log over Redis: what a script says of a record, and text by plain commands if all of a page is sealed.

import type { PageRequest, StoredPage, StreamRecord } from "../log/store.ts";
import { toListOrNothing, toNumber, toText, unexpected } from "./answers.ts";
import { toEnd } from "./claims.ts";
import type { LogRequests } from "./requests.ts";
import { type Entry, joinFrom, MAX_ENTRY_BYTES, parseEntries } from "./runs.ts";

/**
 * Five of the largest entries, so that none is read for two pages if its text has a byte per unit. Whatever the text, a page is
 * below 256 KiB. What is read for it has an entry more at each end.
 */
export const MAX_PAGE_UNITS: number = 5 * MAX_ENTRY_BYTES;
/** How many streams' records are known here once they have ended. */
const MAX_ENDED = 100;
/** How long a producer writes at once after it was told that somebody follows. Told again when half of it has passed. */
const WATCHED_MS = 20_000;

/** A stream whose record doesn't change any more. */
interface EndedStream {
  record: StreamRecord;
  /** The offset up to which its text is in entries. */
  sealed: number;
}

/** What READ says. */
interface ReadAnswer extends EndedStream {
  /** Absent if all that was asked for is sealed. */
  entries: readonly Entry[] | undefined;
  /** Text behind the entries; absent if it wasn't asked for. */
  open: Entry | undefined;
}

export interface RedisReadsOptions {
  requests: LogRequests;
  /** A producer's inbox, and the key of its stream: somebody follows it now. */
  tellFollowed: (inbox: string, key: string) => void;
}

export class RedisReads {
  readonly #requests: LogRequests;
  readonly #tellFollowed: RedisReadsOptions["tellFollowed"];
  /** Reads of this turn: followers at the same place share a page. */
  readonly #running = new Map<string, Promise<StoredPage | undefined>>();
  /** Streams that have ended, and are read: pages of their text need no script. The latest of them. */
  readonly #ended = new Map<string, EndedStream>();

  constructor({ requests, tellFollowed }: RedisReadsOptions) {
    this.#requests = requests;
    this.#tellFollowed = tellFollowed;
  }

  read(request: PageRequest): Promise<StoredPage | undefined> {
    const { epoch, key, from, maxUnits, isBound } = request;
    const name = `${from}:${maxUnits}:${isBound}:${epoch}:${key}`;
    const known = this.#running.get(name);
    if (known) return known;
    const reading = this.#endedPage(request).then((page) => page ?? this.#page(request, undefined));
    this.#running.set(name, reading);
    queueMicrotask(() => this.#running.delete(name));
    return reading;
  }

  async look(key: string): Promise<StreamRecord | undefined> {
    const answer = await this.#requests.runForCaller("read", key, ["0", "0", "0", "0"]);
    return this.#toAnswer(key, answer)?.record;
  }

  /** A page of a stream that has ended, as is known here; undefined if its record has to be read. */
  async #endedPage(request: PageRequest): Promise<StoredPage | undefined> {
    const { epoch, from, key, maxUnits } = request;
    const known = this.#ended.get(key);
    if (!known || known.record.epoch !== epoch || from + maxUnits > known.sealed) return undefined;
    const text = await this.#sealed(request, known.record.epoch);
    if (text !== "") return { record: known.record, text };
    this.#ended.delete(key);
    return undefined;
  }

  /** `hollow`: an epoch whose entries weren't there when its record was read before. */
  async #page(request: PageRequest, hollow: number | undefined): Promise<StoredPage | undefined> {
    const { from, isBound, key, maxUnits } = request;
    const values = [String(from), String(maxUnits), isBound ? "1" : "0", String(WATCHED_MS)];
    const answer = this.#toAnswer(key, await this.#requests.run("read", key, values));
    if (!answer) return undefined;
    const { entries, open, record, sealed } = answer;
    if (entries) return { record, text: joinFrom(from, entries, open) };
    if (record.leaseMs === undefined && record.handover === undefined)
      this.#noteEnded(key, { record, sealed });
    const text = await this.#sealed(request, record.epoch);
    // Superseded or lost since the record was read, unless that says the same once more.
    return text === "" && record.epoch !== hollow ? this.#page(request, record.epoch) : { record, text };
  }

  #noteEnded(key: string, ended: EndedStream): void {
    this.#ended.delete(key);
    this.#ended.set(key, ended);
    if (this.#ended.size <= MAX_ENDED) return;
    for (const oldest of this.#ended.keys()) return void this.#ended.delete(oldest);
  }

  /**
   * A page of which all is sealed. Plain commands give it: a script would copy it, and block the server for three
   * times as long. What is sealed under an epoch never changes, so that it needn't be of the same moment as the record.
   */
  async #sealed({ from, key, maxUnits }: PageRequest, epoch: number): Promise<string> {
    // The last of them may reach beyond the page.
    const last = from + maxUnits + MAX_ENTRY_BYTES - 1;
    const entries = await this.#requests.entries(key, { epoch, first: from + 1, last });
    return joinFrom(from, parseEntries(entries), undefined) ?? "";
  }

  #toAnswer(key: string, value: unknown): ReadAnswer | undefined {
    const answer = toListOrNothing(value);
    if (!answer) return undefined;
    const [epoch, tail, openFrom, status, leaseMs, watchedMs, handover, inbox, entries, open, time] = answer;
    this.#requests.learnTime(toNumber(time));
    this.#tellFollowed(toText(inbox), key);
    const record: StreamRecord = {
      epoch: toNumber(epoch),
      tail: toNumber(tail),
      ...toStatus(toText(status), toNumber(leaseMs)),
      handover: toHandover(toText(handover)),
      watchedMs: toNumber(watchedMs),
    };
    const openText = toText(open);
    return {
      record,
      sealed: toNumber(openFrom),
      entries: toListOrNothing(entries) && parseEntries(entries),
      open: openText === "" ? undefined : { stop: toNumber(openFrom) + openText.length, text: openText },
    };
  }
}

function toStatus(status: string, leaseMs: number): Pick<StreamRecord, "status" | "leaseMs"> {
  if (status === "running" || status === "lapsed") return { status, leaseMs };
  const end = toEnd(status);
  if (!end) throw unexpected("a status");
  return { status: end, leaseMs: undefined };
}

function toHandover(handover: string): StreamRecord["handover"] {
  return handover === "due" || handover === "running" ? handover : undefined;
}
