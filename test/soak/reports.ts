// What a process reports by itself: what it told onError, and what must never happen (G7). Pure, but for what it remembers.

import type { ErrorReport } from "../support/error-report.ts";
import type { Vitals } from "../support/worker-protocol.ts";
import type { Excuses } from "./excuses.ts";
import type { Span, StreamLog } from "./observed.ts";

/** An outage that a call or a write waited for is told this late at most: what a producer keeps trying to write, 60 s. */
const TOLD_LATE_MS = 60_000;

/** What may be reported of a stream. */
interface Expected {
  failed: boolean;
  fenced: boolean;
}

interface Told {
  process: string;
  error: ErrorReport;
}

export class Reports {
  /** A stream that no report is expected of has no entry. */
  readonly #streams = new Map<string, Expected>();
  /** Reports that name a stream: what is expected of it is known once it is over. */
  readonly #ofStreams: Told[] = [];

  note({ legs, runs, streamId }: StreamLog, excuses: Excuses): void {
    const processes = runs.map(({ process }) => process);
    const span = {
      from: Math.min(...legs.map(({ calledAt }) => calledAt)),
      to: Math.max(...legs.map(({ endedAt }) => endedAt)),
    };
    const made = runs.filter((run) => run.made !== false);
    const failed = made.some(({ spec }) => spec.end === "error");
    const fenced = made.length > 1 || excuses.disturb(span, processes);
    if (failed || fenced) this.#streams.set(streamId, { failed, fenced });
  }

  /** What is wrong with an outage that a process reported in a span of time, or with a report that should never come. */
  hear({ error, process }: Told, span: Span, excuses: Excuses): string | undefined {
    if (error.code === "FENCED" || error.code === "SOURCE_FAILED") {
      this.#ofStreams.push({ error, process });
      return undefined;
    }
    const since = { from: span.from - TOLD_LATE_MS, to: span.to };
    if (error.code === "TRANSPORT_UNAVAILABLE" && excuses.disturb(since, [process])) return undefined;
    return describe({ error, process });
  }

  /** What is wrong with the reports that name a stream, once all streams are over. */
  unexpected(): string[] {
    return this.#ofStreams
      .filter(({ error }) => {
        const expected = this.#streams.get(/"(s\d+)"/.exec(error.message)?.[1] ?? "");
        return error.code === "FENCED" ? expected?.fenced !== true : expected?.failed !== true;
      })
      .map(describe);
  }
}

function describe({ error: { code, message }, process }: Told): string {
  return `process ${process} reported ${code}, and had no reason to: ${message}`;
}

export function troubles(
  process: string,
  { uncaughtExceptions, unhandledRejections, waitUntil }: Vitals,
): string[] {
  return [
    ...unhandledRejections.map((message) => `process ${process} had an unhandled rejection: ${message} (G7)`),
    ...uncaughtExceptions.map((message) => `process ${process} had an uncaught exception: ${message} (G7)`),
    ...(waitUntil.rejected > 0
      ? [`process ${process} had ${waitUntil.rejected} promises of waitUntil reject (G7)`]
      : []),
  ];
}
