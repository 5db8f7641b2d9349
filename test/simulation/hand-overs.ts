// What the apps of a simulation are given of streams that ended, and whether it was right (G15).

import type { EndedStream } from "../../src/api/on-end.ts";
import { epochOf } from "../../src/lib/position.ts";
import type { Participant } from "./participant.ts";
import type { Run } from "./run.ts";
import type { World } from "./world.ts";

/** How the apps of a simulation take what has ended. */
export interface OnEndPlan {
  takesMs: number;
  /** Each app fails at its first call. */
  failsFirst: boolean;
  timeoutMs: number;
}

interface Taking {
  participant: Participant;
  streamId: string;
  epoch: number | undefined;
  end: EndedStream["end"];
  status: "running" | "taken" | "failed";
  /** When it was no longer running. */
  overAt: number;
}

export class HandOvers {
  readonly #world: World;
  readonly #takings: Taking[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** The `onEnd` of a participant's context. */
  async take(participant: Participant, ended: EndedStream): Promise<void> {
    const world = this.#world;
    const plan = world.plan.onEnd;
    if (!plan) return;
    const { end, generation, streamId, text } = ended;
    const epoch = generation === undefined ? undefined : epochOf(generation);
    world.log(`${participant.machine.name} takes ${streamId}: ${end}, ${text?.length ?? "no"} characters`);
    this.#judgeAlone(participant, streamId, epoch);
    this.#judgeText(ended, epoch);
    const isFirst = !this.#takings.some((each) => each.participant === participant);
    const taking: Taking = { participant, streamId, epoch, end, status: "running", overAt: Infinity };
    this.#takings.push(taking);
    // Who comes too late counts as failed from when nobody waits for it any more.
    const isLate = plan.takesMs >= plan.timeoutMs;
    const tookMs = Math.min(plan.takesMs, plan.timeoutMs - 1);
    await new Promise<void>((resolve) => participant.machine.after(tookMs, resolve));
    taking.status = isLate || (plan.failsFirst && isFirst) ? "failed" : "taken";
    taking.overAt = world.now;
    if (isLate) await new Promise<never>(() => undefined);
    if (taking.status === "failed") throw new Error("The app could not take it, as its script says.");
  }

  /** When the app had had its time with what this run gave; long ago if it doesn't want it, absent if that can't be told. */
  overAt(run: Run): number | undefined {
    if (!this.#world.plan.onEnd) return Number.NEGATIVE_INFINITY;
    const [win, ...others] = this.#world.winsLike(run);
    // Of several claims of one process any may be the run's.
    if (!win || others.length > 0 || run.wasAlone) return undefined;
    const over = this.#takings.filter(({ epoch }) => epoch === win.epoch).map(({ overAt }) => overAt);
    return Math.min(Infinity, ...over);
  }

  /** Whether somebody found its producer dead, and has told the app so: it is lost whatever it does when it wakes. */
  wasLost(run: Run): boolean {
    const epochs = this.#world.winsLike(run).map(({ epoch }) => epoch);
    return this.#takings.some(
      ({ end, epoch }) => end === "lost" && epoch !== undefined && epochs.includes(epoch),
    );
  }

  /** Processes that died while their app took what a dead producer had left: the next is elected when the time of each is over. */
  deathsWhileTaking(run: Run): number {
    const epochs = this.#world.winsLike(run).map(({ epoch }) => epoch);
    return this.#takings.filter(
      ({ end, epoch, participant, status }) =>
        end === "lost" &&
        epoch !== undefined &&
        epochs.includes(epoch) &&
        status === "running" &&
        participant.machine.state === "dead",
    ).length;
  }

  /** Nothing is over before the app had its time with it. */
  judgeClean(
    runs: readonly Run[],
    { ended, participant }: { ended: string; participant: Participant },
  ): void {
    const world = this.#world;
    const [run, ...others] = runs;
    if (!run || others.length > 0 || run.end === "running") return;
    const overAt = this.overAt(run);
    if (overAt === undefined || overAt <= world.now) return;
    if (!world.isCalm(participant, world.ownerOf(run))) return;
    world.violate("G15", `${ended} cleanly before the app was given run ${run.number}`);
  }

  /** Each stream that ended, whose process lives on, was handed over; over a log, one that is left of a dead process as well. */
  judgeAll(): void {
    const world = this.#world;
    if (!world.plan.onEnd) return;
    for (const { epoch, isGranted, participant, run, streamId, ...win } of world.wins) {
      if (!isGranted || !run || run.end === "running" || run.wasAlone) continue;
      if (world.winsLike(run).length > 1) continue;
      const isLeft =
        world.backend.keepsText &&
        !world.isFollowedBy({ ...win, epoch, isGranted, participant, run, streamId });
      if (participant.machine.state === "dead" && (!isLeft || world.losses.hasForgotten(run))) continue;
      if (this.#takings.some((each) => each.epoch === epoch && each.streamId === streamId)) continue;
      world.violate("G15", `run ${run.number} of ${streamId} is ${run.end}, and nobody was given it`);
    }
  }

  #judgeAlone(participant: Participant, streamId: string, epoch: number | undefined): void {
    const world = this.#world;
    for (const other of this.#takings) {
      if (epoch === undefined || other.epoch !== epoch || other.streamId !== streamId) continue;
      // Over a relay an end that could not be written is found by another, who knows nothing of it.
      if (!world.backend.keepsText && !world.wasCalmThroughout) continue;
      if (!world.isCalm(participant, other.participant)) continue;
      // What is written of a hand-over may be lost like anything else.
      if (world.losses.hasTakenBack(other.overAt)) continue;
      // An end that could not be written looks like a death.
      const run = world.wins.find((win) => win.epoch === epoch && win.streamId === streamId)?.run;
      if (run && !world.isEndSure(run)) continue;
      if (other.status === "failed" || other.participant.machine.state === "dead") continue;
      const where = `${other.participant.machine.name} and ${participant.machine.name}`;
      world.violate("G15", `${streamId} was handed over in ${where}, and the first was ${other.status}`);
    }
  }

  #judgeText({ end, streamId, text }: EndedStream, epoch: number | undefined): void {
    const world = this.#world;
    const runs = world.runsUnder(streamId, epoch);
    if (text === undefined) {
      if (runs.some((run) => world.losses.hasForgotten(run))) return;
      // Found lost while it was cut off from the server, and so couldn't write again what was evicted meanwhile.
      if (end === "lost" && runs.some((run) => world.losses.hasEvicted(streamId, run.startedAt))) return;
      // Of one that wrote nothing an eviction takes the mark that it was nothing.
      if (end === "lost" && runs.length === 0 && world.losses.hasEvicted(streamId, 0)) return;
      if (world.backend.keepsText || end !== "lost")
        world.violate("G15", `${streamId} came without its text`);
      return;
    }
    // Stopped before its source began.
    if (text === "" && (runs.length === 0 || end === "stopped")) return;
    const isRight = runs.some((run) => {
      if (!run.text.startsWith(text)) return false;
      return end === "lost" || (run.end !== "running" && run.text === text);
    });
    if (isRight) return;
    const given = runs.map((run) => `run ${run.number} is ${run.end} at ${run.text.length}`).join(", ");
    world.violate("G15", `${streamId} came as ${end} with ${text.length} characters; ${given}`);
  }
}
