// The verdict on one stream: from what was seen of it, and from what disturbed it, to what was wrong. Pure.

import { sourceText } from "../support/source.ts";
import { RETENTION_SECONDS } from "./stores.ts";
import { excuse, type Excuses } from "./excuses.ts";
import type { Disturbance, Leg, Run, Stop, StreamLog } from "./observed.ts";

/** The longest that a reader is left without text or an end (docs/failure-modes.md): one that is cut off itself, 41 s. */
const LONGEST_SILENCE_MS = 41_000;
/** Once an original reader was given its end, by when every process knows it (G13), however busy the machine is. */
const TOLD_MS = 500;
/** What a machine with more to do than it has cores for adds. */
const SLACK_MS = 20_000;
/** By when every call is answered, and every reader has text or an end, once nothing disturbs them. */
export const SETTLED_MS: number = LONGEST_SILENCE_MS + SLACK_MS;
/** The longest that an original reader waits beyond its source's pace: the end waits 250 ms for the store. */
const ORIGINAL_WAIT_MS = 10_000;

export interface World {
  disturbances: readonly Disturbance[];
  keepsText: boolean;
}

/** Each line names what was wrong, and the promise. */
export function judge(log: StreamLog, world: World): string[] {
  const excuses = excuse(world.disturbances);
  const scene: Scene = { log, excuses, keepsText: world.keepsText };
  return [...log.legs.flatMap((leg) => judgeLeg(leg, scene)), ...judgeStops(scene), ...judgeProducers(scene)];
}

interface Scene {
  log: StreamLog;
  excuses: Excuses;
  keepsText: boolean;
}

function judgeLeg(leg: Leg, scene: Scene): string[] {
  const wrong = [judgeAnswer(leg, scene), judgeText(leg, scene), judgeEnd(leg, scene), judgeWait(leg, scene)];
  return wrong.filter((line) => line !== undefined).map((line) => `${leg.name} ${line}`);
}

function judgeAnswer(leg: Leg, { log, excuses }: Scene): string | undefined {
  const { answeredAt, calledAt, outcome, process } = leg;
  if (outcome === "no answer") return "had no answer (G7)";
  if (outcome === "rejected") {
    const code = leg.error?.code;
    const isLost = code === "PRODUCER_LOST" && leg.call !== "createNewResumableStream";
    if (code !== "TRANSPORT_UNAVAILABLE" && !isLost)
      return `rejected with ${code} ${leg.error?.message} (G7)`;
    const processes = isLost ? [process, ...log.runs.map((run) => run.process)] : [process];
    // A text that was superseded is gone for those who name it.
    if (isLost && leg.continues !== undefined && log.runs.length > 1) return undefined;
    if (excuses.disturb({ from: calledAt, to: answeredAt }, processes)) return undefined;
    return `rejected with ${code}, and nothing was wrong (G4)`;
  }
  if (leg.continues === undefined && outcome !== "null" && isOver(leg, { log, excuses }))
    return `got ${outcome}, and the text had ended (G13)`;
  if (outcome !== "null" && outcome !== "undefined") return undefined;
  const running = log.runs.find((run) => ranUndisturbed(run, leg, { log, excuses }));
  // A mark of another text finds none.
  if (running && leg.continues === undefined) return `got ${outcome}, and ${running.spec.label} ran (G3)`;
  return undefined;
}

/** Whether the last text of the id had ended well before a call, for certain. */
function isOver(
  { answeredAt, calledAt, call, process }: Leg,
  { excuses, log }: Pick<Scene, "excuses" | "log">,
): boolean {
  const producers = log.legs.filter((leg) => isProducer(leg, log));
  const [own] = producers;
  if (call === "createNewResumableStream" || !own || producers.length > 1 || own.end.kind !== "clean")
    return false;
  if (calledAt < own.endedAt + TOLD_MS || answeredAt > own.endedAt + RETENTION_SECONDS * 900) return false;
  return !excuses.disturb({ from: own.calledAt, to: answeredAt }, [process, own.process]);
}

/** Whether a run had a producer from a call's beginning to its answer, for certain. */
function ranUndisturbed(
  run: Run,
  call: Pick<Leg, "answeredAt" | "calledAt" | "process"> & { name?: string },
  { excuses, log }: Pick<Scene, "excuses" | "log">,
): boolean {
  const { answeredAt, calledAt, name, process } = call;
  const own = log.legs.find((leg) => leg.name === run.leg);
  if (run.made !== true || !own || own.name === name) return false;
  if (own.outcome !== "stream" || own.answeredAt > calledAt) return false;
  const end = sourceEnd(run, own);
  // In its last moment its end may be written already; and a stop, or a newer text, ends it sooner.
  if (answeredAt > end - 1_000 || log.stops.some((stop) => stop !== call && stop.calledAt < answeredAt))
    return false;
  const others = log.legs.filter(
    (leg) => leg.call !== "resumeExistingStream" && leg.name !== own.name && leg.name !== name,
  );
  if (
    others.some((leg) => isProducer(leg, log) && leg.calledAt < answeredAt && leg.answeredAt > own.calledAt)
  )
    return false;
  return !excuses.disturb({ from: own.calledAt, to: answeredAt }, [process, run.process]);
}

/** The source gives its last text no sooner. */
function sourceEnd({ spec }: Run, own: Leg): number {
  return own.calledAt + (spec.chunks - 1) * spec.everyMs;
}

function isProducer(leg: Leg, { runs }: StreamLog): boolean {
  return runs.some((run) => run.leg === leg.name && run.made !== false);
}

function judgeText(leg: Leg, { log }: Scene): string | undefined {
  if (leg.outcome !== "stream" || leg.text === "") return undefined;
  const [from, text] = joined(leg, log);
  if (fitting(leg, log).length > 0) return undefined;
  const best = log.runs
    .map((run) => ({ run, at: difference(sourceText(run.spec).slice(from), text) }))
    .toSorted((a, b) => b.at - a.at)[0];
  return best === undefined
    ? "has text, and nobody produced (G1)"
    : `has ${text.length} characters from ${from} that are no source's: at ${from + best.at} of ${best.run.spec.label} came ${JSON.stringify(text.slice(best.at, best.at + 60))} (G1)`;
}

/** The runs that a leg's text may be of; with its own source, that alone. */
function fitting(leg: Leg, log: StreamLog): Run[] {
  const [from, text] = joined(leg, log);
  const own = log.runs.find((run) => run.leg === leg.name);
  return log.runs.filter((run) => {
    if (run.made === false || (own && own !== run && own.made === true)) return false;
    return sourceText(run.spec).startsWith(text, from);
  });
}

/** Where a leg's text begins, with the text before it if it named the generation of that. */
function joined(leg: Leg, { legs }: StreamLog): [from: number, text: string] {
  const before = legs.find(({ name }) => name === leg.continues);
  return before && before.text !== "" ? [before.offset, before.text + leg.text] : [leg.offset, leg.text];
}

function difference(expected: string, text: string): number {
  let at = 0;
  while (at < text.length && expected[at] === text[at]) at += 1;
  return at;
}

function judgeEnd(leg: Leg, scene: Scene): string | undefined {
  if (leg.outcome !== "stream") return undefined;
  const { end, endedAt } = leg;
  if (end.kind === "open") return "neither got text nor an end (G7)";
  if (end.kind === "clean") return judgeClean(leg, scene);
  if (end.kind !== "error") return undefined;
  const { log, excuses } = scene;
  const runs = fitting(leg, log);
  const isOwn = runs.some((run) => run.leg === leg.name && run.made === true);
  const { code } = end.error;
  if (code === "SOURCE_FAILED") {
    if (runs.some((run) => run.spec.end === "error" && isWhole(leg, run))) return undefined;
    return `ended as failed at ${leg.offset + leg.text.length}, and no source failed there (G6)`;
  }
  if (isOwn) return `is the original reader, and ended with ${code} ${end.error.message} (G2)`;
  if (code === "PRODUCER_LOST") {
    const newer = log.runs.filter((run) => run.made !== false).length > 1;
    const processes = [leg.process, ...log.runs.map((run) => run.process)];
    if (newer || excuses.disturb({ from: leg.calledAt, to: endedAt }, processes)) return undefined;
    return "ended as lost, and no producer was (G4)";
  }
  if (code === "TRANSPORT_UNAVAILABLE") {
    const since = { from: endedAt - LONGEST_SILENCE_MS, to: endedAt };
    if (excuses.disturb(since, [leg.process])) return undefined;
    return "ended as unavailable, and the server was there (G7)";
  }
  return `ended with ${code} ${end.error.message} (G7)`;
}

function judgeClean(leg: Leg, { excuses, keepsText, log }: Scene): string | undefined {
  const runs = fitting(leg, log);
  // Text of none is told of by itself.
  if (runs.length === 0 && leg.text !== "") return undefined;
  if (
    runs.some((run) => isWhole(leg, run) && (run.spec.end !== "error" || (keepsText && run.leg !== leg.name)))
  )
    return undefined;
  if (log.stops.some((stop) => stop.calledAt <= leg.endedAt && mayHaveStopped(stop, { excuses, log })))
    return undefined;
  const isOwn = runs.some((run) => run.leg === leg.name && run.made === true);
  // What a dead producer left ends cleanly for who came after its death.
  const isLeft = (run: Run): boolean =>
    run.leg !== leg.name &&
    excuses.disturb({ from: leg.calledAt, to: leg.endedAt }, [run.process, leg.process]);
  if (keepsText && !isOwn && log.runs.some(isLeft)) return undefined;
  return `ended cleanly at ${leg.offset + leg.text.length} of ${runs.map(({ spec }) => `${spec.label}'s ${sourceText(spec).length}`).join(" or ")} (G1)`;
}

/** A producer that was cut off hears of a stop when it is back, though its caller was told that it is dead. */
function mayHaveStopped(
  { answer, answeredAt, calledAt, process }: Stop,
  { excuses, log }: Pick<Scene, "excuses" | "log">,
): boolean {
  const processes = [process, ...log.runs.map((run) => run.process)];
  return answer !== false || excuses.disturb({ from: calledAt, to: answeredAt }, processes);
}

/** A reader that is behind the end of a newer, shorter text has all of that. */
function isWhole({ offset, text }: Leg, run: Run): boolean {
  const end = offset + text.length;
  const { length } = sourceText(run.spec);
  return end === length || (text === "" && end > length);
}

function judgeWait(leg: Leg, { excuses, log }: Scene): string | undefined {
  if (leg.outcome !== "stream" || leg.end.kind === "gone") return undefined;
  const own = log.runs.find((run) => run.leg === leg.name && run.made === true);
  const span = { from: leg.answeredAt, to: leg.endedAt };
  if (own) {
    const held = excuses.heldUpMs(span, leg.process);
    if (leg.longestWaitMs <= own.spec.everyMs + ORIGINAL_WAIT_MS + held) return undefined;
    return `is the original reader, and waited ${leg.longestWaitMs.toFixed()} ms (G2)`;
  }
  if (
    leg.longestWaitMs <=
    SETTLED_MS + excuses.longMs(span, [leg.process, ...log.runs.map((run) => run.process)])
  )
    return undefined;
  return `waited ${leg.longestWaitMs.toFixed()} ms (G7)`;
}

/** All who were told of a stop have the same text. */
function judgeStops({ excuses, log, keepsText }: Scene): string[] {
  const wrong = log.stops
    .filter(({ answer }) => answer === "no answer")
    .map(() => "a stop had no answer (G7)");
  const rejected = log.stops.filter(
    (stop) =>
      stop.answer === "rejected" &&
      !excuses.disturb({ from: stop.calledAt, to: stop.answeredAt }, [
        stop.process,
        ...log.runs.map((run) => run.process),
      ]),
  );
  wrong.push(...rejected.map(() => "a stop was rejected, and nothing was wrong (G7)"));
  const missed = log.stops.filter(
    (stop) => stop.answer === false && log.runs.some((run) => ranUndisturbed(run, stop, { log, excuses })),
  );
  wrong.push(...missed.map(() => "a stop found nothing, and a source ran (G6)"));
  for (const run of log.runs) {
    const ends = log.legs
      .filter((leg) => leg.outcome === "stream" && leg.end.kind === "clean" && leg.text !== "")
      .filter((leg) => fitting(leg, log).includes(run) && !isWhole(leg, run))
      // What is left of a dead producer's text is as long as what was written.
      .filter(
        (leg) =>
          !keepsText || !excuses.disturb({ from: leg.calledAt, to: leg.endedAt }, [leg.process, run.process]),
      )
      .map((leg) => leg.offset + leg.text.length);
    if (new Set(ends).size > 1)
      wrong.push(`${run.spec.label} was stopped at ${[...new Set(ends)].join(" and at ")} (G6)`);
  }
  return wrong;
}

/** Nobody produces while another does (G3). */
function judgeProducers({ excuses, log }: Scene): string[] {
  const joins = log.legs.filter(({ call, name }) => {
    const own = log.runs.find((run) => run.leg === name);
    return call === "resumableStream" && own?.made === true;
  });
  return joins.flatMap((leg) => {
    const running = log.runs.find((run) => ranUndisturbed(run, leg, { log, excuses }));
    return running ? [`${leg.name} produced while ${running.spec.label} ran (G3)`] : [];
  });
}
