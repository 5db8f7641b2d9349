// What happened to one stream, in order, for a person to read.

import type { Disturbance, Leg, StreamLog } from "./observed.ts";

/** Disturbances of so long before are told as well. */
const BEFORE_MS = 30_000;

export function tellStory({ legs, runs, stops }: StreamLog, disturbances: readonly Disturbance[]): string[] {
  const processes = new Set([...legs, ...runs].map(({ process }) => process));
  const startedAt = Math.min(...legs.map(({ calledAt }) => calledAt));
  const ends = legs.map(({ endedAt }) => endedAt).filter(Number.isFinite);
  const endedAt = Math.max(startedAt, ...ends);
  const events: [at: number, what: string][] = [
    ...legs.flatMap(eventsOf),
    ...stops.flatMap(({ answer, answeredAt, calledAt, process }): [number, string][] => [
      [calledAt, `${process}: stopStream`],
      [answeredAt, `${process}: stopStream → ${answer}`],
    ]),
    ...disturbances
      .filter(({ process }) => process === undefined || processes.has(process))
      .filter(({ from, to }) => to > startedAt - BEFORE_MS && from < endedAt)
      .map(({ from, kind, process = "all", to }): [number, string] => [
        from,
        `${process}: ${kind} for ${(to - from).toFixed()} ms`,
      ]),
  ];
  const sources = runs.map(
    ({ leg, made, spec }) =>
      `source of ${leg}: made ${made}, ${spec.chunks} chunks of ${spec.chunkLength}, one per ${spec.everyMs} ms, then ${spec.end}`,
  );
  const lines = events
    .toSorted(([a], [b]) => a - b)
    .map(
      ([at, what]) => `${Number.isFinite(at) ? (at / 1_000).toFixed(3).padStart(9) : "    never"} ${what}`,
    );
  return [...sources, ...lines];
}

function eventsOf(leg: Leg): [number, string][] {
  const {
    answeredAt,
    call,
    calledAt,
    continues,
    end,
    endedAt,
    longestWaitMs,
    name,
    offset,
    outcome,
    process,
    text,
  } = leg;
  const who = `${process}: ${name}`;
  const called: [number, string] = [
    calledAt,
    `${who} ${call} at ${offset}${continues === undefined ? "" : `, with the mark of ${continues}`}`,
  ];
  if (outcome !== "stream")
    return [
      called,
      [answeredAt, `${who} → ${outcome}${leg.error ? ` ${leg.error.code}: ${leg.error.message}` : ""}`],
    ];
  const how = end.kind === "error" ? `${end.error.code}: ${end.error.message}` : end.kind;
  return [
    called,
    [answeredAt, `${who} reads`],
    [
      endedAt,
      `${who} ended at ${offset + text.length}: ${how}; its longest wait was ${longestWaitMs.toFixed()} ms`,
    ],
  ];
}
