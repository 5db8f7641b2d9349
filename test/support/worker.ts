// A child process that hosts one context. Started by process.ts, spoken to over IPC.

import type { DurableStreamContext } from "../../src/api/types.ts";
import { generationOf } from "../../src/engine/ends.ts";
import { openContext, type OpenedContext } from "./contexts.ts";
import { reportError } from "./error-report.ts";
import { Reading } from "./reading.ts";
import { SpecifiedSource, type SourceSpec } from "./source.ts";
import type {
  StartAnswer,
  StartParams,
  Vitals,
  WorkerAnswer,
  WorkerCalls,
  WorkerMethod,
  WorkerRequest,
} from "./worker-protocol.ts";

type Handlers = {
  [Method in WorkerMethod]: (
    params: WorkerCalls[Method]["params"],
  ) => WorkerCalls[Method]["answer"] | Promise<WorkerCalls[Method]["answer"]>;
};

const readings = new Map<string, Reading>();
const sources = new Map<string, SpecifiedSource>();
const unhandledRejections: string[] = [];
const uncaughtExceptions: string[] = [];
/** Absent before `open`. */
let hosted: OpenedContext | undefined;
/** Set by `retire`: from then on a missing parent is no reason to end. */
let retired = false;

const handlers: Handlers = {
  open: async (params) => {
    hosted = await openContext(params);
  },
  start,
  has: ({ streamId }) => opened().hasExistingStream(streamId),
  stop: ({ streamId, reason }) => opened().stopStream(streamId, reason === undefined ? {} : { reason }),
  closeContext: async () => {
    const startedAt = performance.now();
    await opened().close();
    return { tookMs: performance.now() - startedAt };
  },
  reading: ({ read }) => found(readings, read).report(),
  reached: async ({ read, length }) => {
    const reading = found(readings, read);
    await reading.reached(length);
    return reading.report();
  },
  ended: async ({ read }) => {
    const reading = found(readings, read);
    await reading.ended;
    return reading.report();
  },
  leave: ({ read }) =>
    found(readings, read)
      .leave()
      .then(() => undefined),
  hurry: ({ read }) => found(readings, read).hurry() as undefined,
  source: ({ label }) => sources.get(label)?.report ?? { made: 0, given: 0, aborted: false, closed: false },
  release: ({ label }) => found(sources, label).release() as undefined,
  forget: ({ reads, labels }) => {
    for (const read of reads) readings.delete(read);
    for (const label of labels) sources.delete(label);
    return undefined;
  },
  takeErrors: () => hosted?.errors.splice(0) ?? [],
  vitals,
  retire: () => {
    retired = true;
    hosted?.closeClients();
    // After the answer is out.
    setImmediate(() => process.disconnect());
    return undefined;
  },
};

async function start({
  read,
  call,
  streamId,
  skipCharacters,
  source,
  ...options
}: StartParams): Promise<StartAnswer> {
  const startedAt = performance.now();
  try {
    const stream =
      call === "resumeExistingStream"
        ? await opened().resumeExistingStream(streamId, skipCharacters)
        : await opened()[call](streamId, sourceFor(source).make, skipCharacters);
    const tookMs = performance.now() - startedAt;
    if (!stream) return { outcome: stream === null ? "null" : "undefined", tookMs };
    readings.set(read, new Reading(stream, options));
    const generation = generationOf(stream);
    return { outcome: "stream", tookMs, ...(generation !== undefined && { generation }) };
  } catch (error) {
    return { outcome: "rejected", error: reportError(error), tookMs: performance.now() - startedAt };
  }
}

function sourceFor(spec: SourceSpec | undefined): SpecifiedSource {
  if (spec === undefined) throw new TypeError("This call needs a source");
  const source = sources.get(spec.label) ?? new SpecifiedSource(spec);
  sources.set(spec.label, source);
  return source;
}

function vitals(): Vitals {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return {
    unhandledRejections,
    uncaughtExceptions,
    errors: hosted?.errors ?? [],
    waitUntil: hosted?.waitUntil ?? { given: 0, settled: 0, rejected: 0 },
    resources: process.getActiveResourcesInfo(),
    memoryBytes: heapUsed + external,
  };
}

function opened(): DurableStreamContext {
  if (hosted === undefined) throw new Error("No context was opened");
  return hosted.context;
}

function found<T>(things: Map<string, T>, name: string): T {
  const thing = things.get(name);
  if (thing === undefined)
    throw new Error(`Nothing is called "${name}"; there are ${[...things.keys()].join(", ")}`);
  return thing;
}

process.on("unhandledRejection", (reason) => {
  unhandledRejections.push(reportError(reason).message);
  if (retired) process.exitCode = 70;
});
process.on("uncaughtException", (error) => {
  uncaughtExceptions.push(error.stack ?? error.message);
  if (retired) process.exitCode = 71;
});
process.on("disconnect", () => {
  if (!retired) process.exit(1);
});
process.on("message", (request: WorkerRequest) => {
  const { id, method, params } = request;
  const reply = (answer: WorkerAnswer): void => void process.send?.(answer);
  // The request's type ties method and params together; an indexed call can't show that.
  const handle = handlers[method] as (params: WorkerRequest["params"]) => unknown;
  Promise.resolve()
    .then(() => handle(params))
    .then(
      (value) => reply({ id, value }),
      (error: unknown) => reply({ id, error: reportError(error) }),
    );
});
process.send?.("ready");
