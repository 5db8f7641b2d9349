// Streams over Postgres that ended, and that no `onEnd` has taken: still owed to an app. Elected like a server.

import { AppHandOver, type OnEnd } from "../../api/on-end.ts";
import { createPostgresParts } from "../../contexts/log.ts";
import { systemClock } from "../../lib/clock.ts";
import { markOf } from "../../lib/position.ts";
import type { Ended, HandOver } from "../../port/hand-over.ts";
import { Handovers } from "../../transports/log/handovers.ts";
import type { Row } from "../../transports/postgres/database.ts";
import { toEntries } from "../../transports/postgres/entries.ts";
import { parseStatus, toNumber, toText } from "../../transports/postgres/parse.ts";
import { postgresLog } from "../../transports/postgres/transport.ts";
import { type OpenDatabase, openDatabase, streamIdOf } from "./postgres-database.ts";
import type { StoreOptions, StreamFacts } from "./store.ts";

/** Rows a statement lists. */
const BATCH = 500;
/** The default of `onEndTimeoutMs`. */
const TIMEOUT_MS = 10_000;

export interface OwedStream {
  key: string;
  epoch: number;
  isSuperseded: boolean;
  facts: StreamFacts;
}

/** The result of handing a stream over: `elsewhere` if another process does it, or did. */
export type Outcome = { status: "taken" | "elsewhere" } | { status: "failed"; why: string };

export interface OwedStreams {
  /** All under the prefix, by their ids. */
  list: () => AsyncGenerator<OwedStream>;
  handOver: (owed: OwedStream) => Promise<Outcome>;
  close: () => Promise<void>;
}

/** @param onEnd - absent if nothing is handed over. */
export async function openOwedStreams(options: StoreOptions, onEnd: OnEnd | undefined): Promise<OwedStreams> {
  const database = await openDatabase(options);
  const taking = new Taking(onEnd);
  const { durable } = database;
  const log = postgresLog(createPostgresParts(durable), durable.checked.keyPrefix);
  const handovers = new Handovers({ ...log, handOver: taking }, (key) => log.store.tellMoved(key));
  return {
    list: () => list(database),
    handOver: (owed) => handOver(owed, { database, handovers, taking }),
    close: async () => {
      await handovers.close();
      await database.close();
    },
  };
}

async function* list({ ask, prefixes }: OpenDatabase): AsyncGenerator<OwedStream> {
  let after: [string, number] | [null, null] = [null, null];
  for (;;) {
    const rows: Row[] = await ask("owed", [prefixes, ...after, BATCH]);
    for (const row of rows) {
      const owed = toOwed(row, prefixes);
      after = [owed.key, owed.epoch];
      yield owed;
    }
    if (rows.length < BATCH) return;
  }
}

function toOwed(row: Row, prefixes: OpenDatabase["prefixes"]): OwedStream {
  const [key, epoch] = [toText(row["stream_id"]), toNumber(row, "epoch")];
  const status = parseStatus(row["status"]);
  const facts = {
    streamId: streamIdOf(key, prefixes),
    generation: markOf(epoch),
    status: status === "running" || status === "lapsed" ? "lost" : status,
    tail: toNumber(row, "tail"),
    since: row["since"] instanceof Date ? row["since"].toISOString() : null,
    handOver: toText(row["handover"]),
  };
  return { key, epoch, isSuperseded: row["is_superseded"] === true, facts };
}

async function handOver(
  { key, epoch, isSuperseded, facts: { handOver: state, streamId } }: OwedStream,
  { database, handovers, taking }: { database: OpenDatabase; handovers: Handovers; taking: Taking },
): Promise<Outcome> {
  if (state === "running") return { status: "elsewhere" };
  if (key.startsWith(database.prefixes[1])) {
    return { status: "failed", why: "its whole id isn't in the database, and only its app knows it" };
  }
  const stream = { key, streamId };
  if (isSuperseded) await handovers.takeOwed(stream, epoch);
  else {
    if (state === "given-up") await database.ask("oweAgain", [key, epoch]);
    await handovers.take(stream);
  }
  const { ended, outcome } = taking.result();
  if (isSuperseded && outcome.status === "failed" && ended) {
    // Unlike its row, the text of a superseded claim is the one's who took it.
    await database.ask("giveBack", [key, epoch, JSON.stringify(toEntries(0, ended.text ?? ""))]);
  }
  return outcome;
}

interface Call {
  /** The kind of error it failed with; absent if it hasn't. */
  error: string | undefined;
}

/** The module's `onEnd`, and what came of its last call. */
class Taking implements HandOver {
  readonly timeoutMs = TIMEOUT_MS;
  readonly isWanted: boolean;
  readonly #app: AppHandOver;
  /** The stream given last, and whether it was taken; absent before, and once it is told. */
  #last: { ended: Ended; isTaken: boolean } | undefined;
  /** The last one. One that fails late changes nothing of a later one's. */
  #call: Call = { error: undefined };

  constructor(onEnd: OnEnd | undefined) {
    this.isWanted = onEnd !== undefined;
    this.#app = new AppHandOver({
      onEnd: async (ended) => {
        const call: Call = { error: undefined };
        this.#call = call;
        try {
          await onEnd?.(ended);
        } catch (error) {
          call.error = kindOf(error);
          throw error;
        }
      },
      timeoutMs: TIMEOUT_MS,
      clock: systemClock,
      // Told by `result`.
      onError: () => undefined,
    });
  }

  async run(ended: Ended): Promise<boolean> {
    const isTaken = await this.#app.run(ended);
    this.#last = { ended, isTaken };
    return isTaken;
  }

  /** Of the calls since it was asked last. */
  result(): { ended: Ended | undefined; outcome: Outcome } {
    const last = this.#last;
    this.#last = undefined;
    if (!last) return { ended: undefined, outcome: { status: "elsewhere" } };
    const why = this.#call.error ?? `it took longer than ${TIMEOUT_MS} ms`;
    const outcome: Outcome = last.isTaken ? { status: "taken" } : { status: "failed", why };
    return { ended: last.ended, outcome };
  }
}

/** Its name and code alone: a message may hold what the app was given. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error && typeof error.code === "string" ? `${error.name} ${error.code}` : error.name;
}
