// Whether an outcome is one that the promises allow, given what is true in the world.

import type { Participant } from "./participant.ts";
import type { Reading, ReadingEnd } from "./reading.ts";
import type { Run } from "./run.ts";
import type { Win, World } from "./world.ts";

/** The slowest way to find a dead producer where nothing else is wrong: a silence, the proof, and the time to answer. */
export const FIND_DEAD_MS = 6_500;
/** Messages of one question and its answer, and of the proof beside it. */
const LEGS = 10;

/** A reading's end: the whole text and the right word for how it ended (G1, G4, G6). */
export function judgeEnd(world: World, reading: Reading, end: ReadingEnd): void {
  if (end === "left") return;
  const { name, participant } = reading.options;
  const runs = reading.fitting;
  const ended = `${name} ended at ${reading.options.from + reading.length}`;
  if (end === "clean") {
    // Stopped before its source began: an empty stream.
    if (reading.length === 0 && world.stopped.has(reading.options.streamId)) return;
    if (runs.some((run) => isWhole(run, reading) && (run.end === "done" || run.end === "stopped"))) return;
    return world.violate("G1", `${ended} cleanly; ${describe(runs)}`);
  }
  switch (end.code) {
    case "SOURCE_FAILED":
      if (runs.some((run) => isWhole(run, reading) && (run.end === "failed" || run.end === "closed"))) return;
      // A context that closed while it claimed ends a stream that never began.
      if (reading.length === 0 && world.everybody.some(({ isClosing }) => isClosing)) return;
      return world.violate("G6", `${ended} as failed; ${describe(runs)}`);
    case "PRODUCER_LOST":
      judgeLost(world, reading, runs);
      return;
    case "FENCED":
      if (runs.some((run) => run.end === "fenced")) return;
      return world.violate("G6", `${ended} as fenced; ${describe(runs)}`);
    case "CLOSED":
      if (participant.isClosing) return;
      return world.violate("G6", `${ended} as closed, and its context is open`);
    case "TRANSPORT_UNAVAILABLE":
      if (!reading.options.primaryOf && !world.isCalm(participant)) return;
      return world.violate("G7", `${ended} as unavailable, and nothing hindered it`);
    default:
      return world.violate("G7", `${ended} with an error that is none of ours: ${end.code}`);
  }
}

function judgeLost(world: World, reading: Reading, runs: readonly Run[]): void {
  const { from, name, participant, primaryOf } = reading.options;
  const ended = `${name} ended at ${from + reading.length} as lost`;
  if (primaryOf) return world.violate("G2", `${ended}, and it is the original reader`);
  // A claim that a context made and closed before its source began.
  if (runs.length === 0 && world.everybody.some(({ isClosing }) => isClosing)) return;
  if (!runs.some((run) => isLosable(world, reading, run))) {
    return world.violate("G4", `${ended}, and nothing excuses it; ${describe(runs)}`);
  }
  // How long a dead producer may go unnoticed is bounded where nothing else is wrong.
  const [run] = runs;
  const wasCalm = world.hindrance.until < 0 && participant.machine.hindrance.until < 0;
  if (!run || runs.length > 1 || reading.length === 0 || !wasCalm || !reading.wasEager) return;
  const limit = FIND_DEAD_MS + LEGS * world.plan.latency.maxMs;
  const took = world.now - Math.max(run.machine.diedAt, reading.startedAt);
  if (took > limit) world.violate("G4", `${ended}, ${took.toFixed()} ms after run ${run.number} died`);
}

function isLosable(world: World, reading: Reading, run: Run): boolean {
  if (run.machine.state === "dead" || run.end === "fenced" || run.end === "closed") return true;
  // A context that closes doesn't stay for followers.
  if (world.ownerOf(run)?.isClosing === true) return true;
  const win = world.winOf(run);
  if (win && world.isFollowedBy(win)) return true;
  // An ended producer lingers for those who get further, not for a reader that pauses.
  if (!reading.wasEager && run.end !== "running") return true;
  return !world.isCalm(reading.options.participant, world.ownerOf(run));
}

function isWhole(run: Run, reading: Reading): boolean {
  const { from } = reading.options;
  return reading.length === Math.max(run.text.length - from, 0);
}

function describe(runs: readonly Run[]): string {
  const each = runs.map(
    (run) => `run ${run.number} on ${run.machine.name} is ${run.end} at ${run.text.length}`,
  );
  return each.join(", ") || "there is no run";
}

/** What a call was told of a stream. */
export type Answer = "live" | "done" | "none";

export interface Asked {
  what: string;
  participant: Participant;
  streamId: string;
  startedAt: number;
}

/** Whether an answer is true, where the truth didn't change while it was asked for (G4, G6). */
export function judgeAnswer(world: World, asked: Asked, answer: Answer): void {
  const { participant, streamId, what } = asked;
  const told = `${what} in ${participant.machine.name} was told "${answer}"`;
  const runs = world.runsOf(streamId);
  if (answer === "done" && !runs.some((run) => run.end === "done" || run.end === "stopped")) {
    return world.violate("G6", `${told}; ${describe(runs)}`);
  }
  const win = world.newestWin(streamId);
  if (!win?.run || !world.isCalm(participant, win.participant) || win.participant.machine.state === "dead")
    return;
  const truth = world.isSuperseded(win) ? undefined : settledTruth(world, win, asked.startedAt);
  // Nothing is left to stop in a stream that is done.
  if (what.startsWith("stop") && truth === "done") return;
  if (truth && truth !== answer) world.violate("G4", `${told}; ${describe([win.run])}`);
}

/** Absent while it changes. */
function settledTruth(world: World, { participant, run }: Win, since: number): Answer | undefined {
  if (!run || run.startedAt > since) return undefined;
  if (run.endedAt < world.wipedAt || !world.isEndSure(run)) return undefined;
  if (run.end === "running") return "live";
  // The end is written by a message or two.
  if (run.endedAt + LEGS * world.plan.latency.maxMs > since) return undefined;
  if (run.end === "done" || run.end === "stopped") return participant.isClosing ? undefined : "done";
  return undefined;
}

/** An original reader that takes everything has everything, after every step but within a burst (G2). */
export function judgePrimaries(world: World): void {
  for (const reading of world.primaries) {
    const { name, primaryOf } = reading.options;
    if (!primaryOf || reading.end !== undefined) continue;
    if (primaryOf.machine.state !== "running" || primaryOf.machine.turns > 0) continue;
    if (reading.length === primaryOf.text.length) continue;
    world.violate("G2", `${name} has ${reading.length} of ${primaryOf.text.length} characters of its source`);
  }
}
