// Whether an outcome is one that the promises allow, given what is true in the world.

import { MAX_BACKEND_WAIT_MS } from "../../src/engine/telling.ts";
import { ResumableStreamError } from "../../src/port/errors.ts";
import { ARRIVAL_MS } from "../../src/transports/relay/claims.ts";
import type { Participant } from "./participant.ts";
import type { Reading, ReadingEnd } from "./reading.ts";
import type { Call } from "./plan.ts";
import type { Run } from "./run.ts";
import type { Kept } from "./rows.ts";
import type { Win, World } from "./world.ts";

/** The slowest way to find a dead producer where nothing else is wrong: a silence, the proof, and the time to answer. */
export const FIND_DEAD_MS = 6_500;
/** What a follower takes to look at a lease after its end: its interval, and a slack. */
const LOOK_AT_LEASE_MS = 3_000;
/** How long a mark of somebody who frees a record with the documented methods lives. */
const BARRED_MS = 10_000;
/** A shorter trouble kills no producer: it has 2 s to answer, and up to `LATEST_BACK_MS` of them to be back. */
const BRIEF_MS = 1_500;
/** What an elected process has for its own requests, beside the time of its app: three `claimTimeoutMs`. */
const ELECTED_REQUESTS_MS = 9_000;
/** Messages of one question and its answer, and of the proof beside it. */
const LEGS = 10;

/** A reading's end: the whole text and the right word for how it ended (G1, G4, G6). */
export function judgeEnd(world: World, reading: Reading, end: ReadingEnd): void {
  if (end === "left") return;
  const { name, participant, primaryOf } = reading.options;
  const runs = reading.fitting;
  const ended = `${name} ended at ${reading.options.from + reading.length}`;
  noteTold(world, { end, runs, participant });
  if (end === "clean") {
    // Without text it may be of a claim that nobody ran under.
    if (reading.length > 0) world.handOvers.judgeClean(runs, { ended, participant });
    // Stopped before its source began: an empty stream.
    if (reading.length === 0 && world.stopped.has(reading.options.streamId)) return;
    if (runs.some((run) => isWhole(run, reading) && (run.end === "done" || run.end === "stopped"))) return;
    if (!primaryOf && isDrained(world, reading, runs)) return;
    return world.violate("G1", `${ended} cleanly; ${describe(runs)}`);
  }
  switch (end.code) {
    case "SOURCE_FAILED":
      if (!primaryOf && wasFailedBefore(world, reading, runs))
        return world.violate("G6", `${ended} as failed, and it asked for kept text; ${describe(runs)}`);
      if (runs.some((run) => isWhole(run, reading) && run.end === "failed")) return;
      // Text that is missing for good ends as failed.
      if (runs.some((run) => world.losses.hasForgotten(run))) return;
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

/** Who was given an end in calm has to find it by every later call, from any process (G13). */
function noteTold(
  world: World,
  { end, participant, runs }: { end: ReadingEnd; participant: Participant; runs: readonly Run[] },
): void {
  const [run, ...others] = runs;
  if (!run || others.length > 0) return;
  const isEnd = end === "clean" || (typeof end === "object" && end.code === "SOURCE_FAILED");
  const isOwn = run.end === "done" || run.end === "stopped" || run.end === "failed";
  if (isEnd && isOwn && isWrittenInTime(world) && world.isCalm(participant, world.ownerOf(run))) {
    run.toldAt = Math.min(run.toldAt, world.now);
  }
}

/**
 * Whether a store at this distance has written an end before readers are told without it: a log may have to finish the write
 * before, and a small pool the one before that.
 */
function isWrittenInTime({ backend, plan }: World): boolean {
  const roundTrips = backend.keepsText ? 3 : 2;
  return roundTrips * 2 * plan.latency.maxMs < MAX_BACKEND_WAIT_MS;
}

function judgeLost(world: World, reading: Reading, runs: readonly Run[]): void {
  const { from, name, participant, primaryOf, streamId } = reading.options;
  const ended = `${name} ended at ${from + reading.length} as lost`;
  if (primaryOf && participant.isClosing) return;
  if (primaryOf) return world.violate("G2", `${ended}, and it is the original reader`);
  // A claim that a context made and closed, or died with, before its source began, or that its process never heard of.
  if (reading.length === 0 && world.everybody.some(({ isClosing }) => isClosing)) return;
  if (reading.length === 0 && unheardOf(world, streamId).length > 0) return;
  if (reading.length === 0 && world.hasClaimWithoutRun(streamId)) return;
  if (!runs.some((run) => isLosable(world, reading, run))) {
    return world.violate("G4", `${ended}, and nothing excuses it; ${describe(runs)}`);
  }
  if (wasFailedBefore(world, reading, runs)) {
    return world.violate("G6", `${ended}, and it asked for kept text; ${describe(runs)}`);
  }
  // How long a dead producer may go unnoticed is bounded where nothing else is wrong.
  const [run] = runs;
  const wasCalm = world.hindrance.until < 0 && participant.machine.hindrance.until < 0;
  if (!run || runs.length > 1 || reading.length === 0 || !wasCalm || !reading.wasEager) return;
  const { keepsText, leaseMs } = world.backend;
  const findMs = keepsText ? leaseMs + LOOK_AT_LEASE_MS : FIND_DEAD_MS;
  // Who dies while it frees the record by the documented methods, as a producer that has failed does, too, bars the others until
  // its mark expires.
  const mayBeBarred =
    world.plan.client === "documented" &&
    world.everybody.some(
      ({ machine }) => machine.state === "dead" && (machine !== run.machine || run.end === "failed"),
    );
  // The app is given what is left first: by one process, and where it failed there once more.
  const { onEnd } = world.plan;
  const givingMs = onEnd
    ? 2 * (Math.min(onEnd.takesMs, onEnd.timeoutMs) + LEGS * world.plan.latency.maxMs) +
      world.handOvers.deathsWhileTaking(run) * (onEnd.timeoutMs + ELECTED_REQUESTS_MS + LOOK_AT_LEASE_MS)
    : 0;
  const limit = findMs + givingMs + LEGS * world.plan.latency.maxMs + (mayBeBarred ? BARRED_MS : 0);
  const took = world.now - Math.max(run.machine.diedAt, reading.startedAt);
  // A slow way brings the text that is left long after: the end comes right behind it.
  const isReplayed = keepsText && world.now - reading.takenAt <= LEGS * world.plan.latency.maxMs;
  if (took > limit && !isReplayed)
    world.violate("G4", `${ended}, ${took.toFixed()} ms after run ${run.number} died`);
}

function isLosable(world: World, reading: Reading, run: Run): boolean {
  if (run.machine.state === "dead" || run.end === "fenced" || run.end === "closed") return true;
  if (world.handOvers.wasLost(run) || world.losses.hasForgotten(run)) return true;
  // A context that closes doesn't stay for followers.
  if (world.ownerOf(run)?.isClosing === true) return true;
  const win = world.winOf(run);
  if (win && world.isFollowedBy(win)) return true;
  // An ended producer lingers for those who get further, not for a reader that pauses.
  if (!world.backend.keepsText && !reading.wasEager && run.end !== "running") return true;
  if (world.isCalm(reading.options.participant, world.ownerOf(run))) return false;
  // What is over sooner than a living producer has to answer excuses nobody who has heard of it.
  const { participant } = reading.options;
  const hindrances = [world.hindrance, participant.machine.hindrance, run.machine.hindrance];
  const isBrief = hindrances.every((hindrance) => hindrance.isBrief(BRIEF_MS));
  return world.backend.keepsText || reading.length === 0 || !isBrief;
}

/** It came after the stream had failed, and has all that was kept of it. */
function isDrained(world: World, reading: Reading, runs: readonly Run[]): boolean {
  const { from, startedAt, streamId } = { ...reading.options, startedAt: reading.startedAt };
  const isKept = (kept: Kept): boolean =>
    kept.failedAt <= startedAt && [...kept.tails].some((tail) => reading.length === Math.max(tail - from, 0));
  const isLess = ({ failedAt, tails }: Kept): boolean =>
    failedAt <= startedAt && reading.length <= Math.max(...tails) - from;
  const isBad = (run: Run): boolean => run.end === "failed" || isLosable(world, reading, run);
  return (
    runs.some((run) => isBad(run) && keptOf(world, run).some(isKept)) ||
    // What it was reading was taken back under it.
    runs.some((run) => world.losses.hasForgotten(run) && keptOf(world, run).some(isLess)) ||
    unheardOf(world, streamId)
      .flatMap((epoch) => world.backend.kept(streamId, epoch) ?? [])
      .some(isKept)
  );
}

/** Claims that nobody produces under: the database granted them, and the answer came late or never. */
function unheardOf(world: World, streamId: string): number[] {
  if (!world.backend.keepsText) return [];
  const key = world.backend.keyOf(streamId);
  return world.backend.claims
    .filter(
      ({ epoch, key: claimed }) =>
        claimed === key &&
        !world.wins.some((win) => win.epoch === epoch && win.streamId === streamId && win.run),
    )
    .map(({ epoch }) => epoch);
}

/** Whether it was known to all that the stream had failed when the reader asked for it, and nobody has taken it over. */
function wasFailedBefore(world: World, reading: Reading, runs: readonly Run[]): boolean {
  const [run] = runs;
  if (!run || runs.length > 1 || reading.length === 0) return false;
  const { askedAt, participant } = reading.options;
  // Next to its producer it is followed as it was, until that has heard that its end is written.
  if (run.machine === participant.machine) return false;
  const [win, ...others] = world.winsLike(run);
  if (!win || others.length > 0 || world.isFollowedBy(win)) return false;
  const kept = world.backend.kept(win.streamId, win.epoch);
  if (!kept || kept.failedAt > askedAt) return false;
  // A server that lost the end is given it again, after the text: meanwhile the stream runs.
  if (world.losses.hasForgotten(run)) return false;
  return world.isCalm(participant, world.ownerOf(run));
}

/** What was kept under the claims that may be a run's. */
function keptOf(world: World, run: Run): Kept[] {
  return world.winsLike(run).flatMap(({ epoch, streamId }) => world.backend.kept(streamId, epoch) ?? []);
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
export type Answer = "live" | "done" | "failed" | "none";

export interface Asked {
  what: string;
  type: Call["type"];
  participant: Participant;
  streamId: string;
  /** The claim that is meant; absent where any is. */
  epoch?: number | undefined;
  startedAt: number;
}

/** Whether an answer is true, where the truth didn't change while it was asked for (G4, G6). */
export function judgeAnswer(world: World, asked: Asked, answer: Answer): void {
  const { epoch, participant, streamId, what } = asked;
  const told = `${what} in ${participant.machine.name} was told "${answer}"`;
  const runs = world.runsUnder(streamId, epoch);
  if (answer === "done" && !runs.some((run) => run.end === "done" || run.end === "stopped")) {
    // What is known of the text that ended last is lost with the server's records.
    if (epoch !== undefined && !world.isCalm(participant)) return;
    return world.violate(epoch === undefined ? "G6" : "G14", `${told}; ${describe(runs)}`);
  }
  const win = world.newestWin(streamId);
  // Of a text that isn't the last one, all but "none" is judged by what is read of it.
  if (epoch !== undefined && win?.epoch !== epoch) return;
  if (!win?.run || !world.isCalm(participant, win.participant) || world.isSuperseded(win)) return;
  if (answer === "live" && isUnawareOf(world, win, asked)) return;
  const truth = settledTruth(world, win, asked.startedAt);
  const promise = win.run.toldAt < asked.startedAt ? "G13" : "G4";
  if (truth && !isTrue(answer, truth, asked)) world.violate(promise, `${told}; ${describe([win.run])}`);
}

/** A superseded producer next to the caller, which the database tells with its next heartbeat at the latest. */
function isUnawareOf(world: World, win: Win, { participant, startedAt, streamId }: Asked): boolean {
  const { keepsText, leaseMs } = world.backend;
  if (!keepsText || !world.superseding.has(win.epoch)) return false;
  if (startedAt - win.askedAt > leaseMs / 3 + LEGS * world.plan.latency.maxMs) return false;
  return world.runsOf(streamId).some((run) => run !== win.run && run.machine === participant.machine);
}

function isTrue(answer: Answer, truth: Answer, { type }: Asked): boolean {
  // Nothing is left to stop in a stream that has ended.
  if (type === "stop") return truth !== "live";
  // What is kept of a failed stream is read like any other; one that is free again is produced.
  if (truth === "failed") return answer === (type === "ask" ? "failed" : "live");
  return answer === truth;
}

/** Absent while it changes. */
function settledTruth(world: World, { epoch, participant, run }: Win, since: number): Answer | undefined {
  if (!run || run.startedAt > since) return undefined;
  if (world.losses.hasForgotten(run) || !world.isEndSure(run)) return undefined;
  const { keepsText, leaseMs } = world.backend;
  // Over a relay whom it superseded has to hear it before its end is written; over a database the text that gathers comes first.
  const noticeMs = world.superseding.has(epoch) ? ARRIVAL_MS : 0;
  const legsMs =
    LEGS * world.plan.latency.maxMs + ((world.plan.log ?? world.plan.redisLog)?.flushIntervalMs ?? noticeMs);
  // Until the app had its time with it, the stream runs.
  if (run.end !== "running" && (world.handOvers.overAt(run) ?? Infinity) + legsMs > since) return undefined;
  // It may have died before its end was written.
  if (participant.machine.state === "dead") {
    const { diedAt } = participant.machine;
    // Who was elected to hand over what it left may be dead as well.
    const isLapsed = !world.plan.onEnd && keepsText && diedAt + leaseMs + legsMs < since;
    return isLapsed && (run.end === "running" || run.end === "failed") ? "failed" : undefined;
  }
  if (run.end === "running") return "live";
  // The end is written by a message or two.
  if (run.endedAt + legsMs > since && run.toldAt >= since) return undefined;
  if (run.end === "done" || run.end === "stopped") return participant.isClosing ? undefined : "done";
  return keepsText && run.end === "failed" ? "failed" : undefined;
}

/** A call that rejects does so with an error of ours, and where something hindered it (G7). */
export function judgeRejection(world: World, { participant, what }: Asked, error: unknown): void {
  const failed = `${what} in ${participant.machine.name} rejected`;
  world.log(`${failed}: ${String(error)}`);
  if (!(error instanceof ResumableStreamError))
    return world.violate("G7", `${failed} with none of our errors: ${String(error)}`);
  if (error.code === "CLOSED" && participant.isClosing) return;
  if (world.isCalm(participant)) world.violate("G7", `${failed} with ${error.code}, and nothing hindered it`);
}
