// What a test asks of a worker process, and what it is told. Both sides compile against this.

import type { PostgresStoreOptions } from "../../src/postgres.ts";
import type { ClientKind, ClusterClientKind } from "./clients.ts";
import type { ErrorReport } from "./error-report.ts";
import type { Mistreatment } from "../../src/testing/mistreat.ts";
import type { ReadingOptions, ReadingReport } from "./reading.ts";
import type { SourceReport, SourceSpec } from "./source.ts";
import type { TakingSpec } from "./taking.ts";

/** Options of a context that can be sent to another process. */
export type PlainOptions = Omit<PostgresStoreOptions, "waitUntil" | "onEnd" | "onError" | "onEvent"> & {
  /** Only over Redis. */
  keepText?: boolean;
};

/** Clients the worker makes and passes in, or those the library makes from REDIS_URL. */
export type RedisClients = ClientKind | ClusterClientKind | "default-redis" | "default-ioredis";

/** What a worker's context is over. `pglite`: the url is a folder. */
export type WorkerClients = RedisClients | "postgres" | "pglite";

export interface OpenParams {
  clients: WorkerClients;
  url: string;
  options?: PlainOptions;
  /** Takes what has ended. */
  onEnd?: TakingSpec;
  /** How many connections a Postgres pool has. @defaultValue 10 */
  poolSize?: number;
  /** Uses the generic entry over a pub/sub that delivers badly; only with redis-6 and ioredis-6. */
  lossy?: Mistreatment & { seed: number };
}

export interface StartParams extends ReadingOptions {
  /** Names the reading in later calls. */
  read: string;
  call: "resumableStream" | "createNewResumableStream" | "resumeExistingStream";
  streamId: string;
  /** An offset, or a position that names its generation too. */
  skipCharacters?: number | string;
  /** Required by the two calls that may produce. */
  source?: SourceSpec;
}

export interface StartAnswer {
  outcome: "stream" | "null" | "undefined" | "rejected";
  /** The mark of the text's generation; absent where it isn't known yet, and where nobody elsewhere can follow. */
  generation?: string;
  /** Only of a rejected call. */
  error?: ErrorReport;
  tookMs: number;
}

export interface Vitals {
  unhandledRejections: string[];
  uncaughtExceptions: string[];
  /** What onError was told. */
  errors: ErrorReport[];
  waitUntil: { given: number; settled: number; rejected: number };
  /** What keeps the event loop busy, by kind. */
  resources: string[];
  /** Heap and buffers, after a garbage collection. */
  memoryBytes: number;
}

/** Each call's question and answer. */
export interface WorkerCalls {
  open: { params: OpenParams; answer: undefined };
  start: { params: StartParams; answer: StartAnswer };
  has: { params: { streamId: string }; answer: null | true | "DONE" | "failed" };
  stop: { params: { streamId: string; reason?: string }; answer: boolean };
  closeContext: { params: undefined; answer: { tookMs: number } };
  reading: { params: { read: string }; answer: ReadingReport };
  reached: { params: { read: string; length: number }; answer: ReadingReport };
  ended: { params: { read: string }; answer: ReadingReport };
  leave: { params: { read: string }; answer: undefined };
  hurry: { params: { read: string }; answer: undefined };
  source: { params: { label: string }; answer: SourceReport };
  release: { params: { label: string }; answer: undefined };
  /** Drops what is kept of readings and sources that are over. */
  forget: { params: { reads: string[]; labels: string[] }; answer: undefined };
  /** What onError was told since the last such call. Vitals don't name it any more. */
  takeErrors: { params: undefined; answer: ErrorReport[] };
  vitals: { params: undefined; answer: Vitals };
  /** Closes the clients that were passed in and lets go of the parent; the process then ends if nothing else holds it. */
  retire: { params: undefined; answer: undefined };
}

export type WorkerMethod = keyof WorkerCalls;

export type WorkerRequest = {
  [Method in WorkerMethod]: { id: number; method: Method; params: WorkerCalls[Method]["params"] };
}[WorkerMethod];

export type WorkerAnswer = { id: number; value: unknown } | { id: number; error: ErrorReport };
