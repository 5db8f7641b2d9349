// Everything a simulation is made of, and what is true in it: who runs, what was claimed, what was hindered.

import type { Backend } from "./backend.ts";
import { backendFor } from "./backends.ts";
import type { Weather } from "./connection.ts";
import { Dice } from "../../src/testing/dice.ts";
import { HandOvers } from "./hand-overs.ts";
import { Hindrance } from "./hindrance.ts";
import { Losses } from "./losses.ts";
import { Machine } from "./machine.ts";
import { Participant, type Plant } from "./participant.ts";
import type { Plan } from "./plan.ts";
import type { Reading } from "./reading.ts";
import type { Run } from "./run.ts";
import { Timeline } from "./timeline.ts";

/** A broken promise, by its number in the design. */
export interface Violation {
  promise: "G1" | "G2" | "G3" | "G4" | "G5" | "G6" | "G7" | "G9" | "G13" | "G14" | "G15";
  what: string;
}

/** A claim that the server granted and its process heard of. */
export interface Win {
  participant: Participant;
  streamId: string;
  epoch: number;
  /** Its place among all claims, in the order of the server. */
  order: number;
  /** The transport has given it to the engine. One that came after its caller gave up is given to nobody. */
  isGranted: boolean;
  askedAt: number;
  /** Absent until `makeStream` was called under it. */
  run: Run | undefined;
}

/** For how long after a hindrance its consequences are excused. */
const AFTERMATH_MS = 20_000;
const CLAIM_TIMEOUT_MS = 3_000;

export class World {
  readonly plan: Plan;
  readonly timeline = new Timeline();
  readonly backend: Backend;
  /** What hindered all: weather, restarts. */
  readonly hindrance: Hindrance = new Hindrance(() => this.timeline.now);
  /** By the number that actions name; a crashed one is replaced by its successor. */
  readonly participants: Participant[] = [];
  readonly everybody: Participant[] = [];
  readonly runs: Run[] = [];
  readonly wins: Win[] = [];
  readonly readings: Reading[] = [];
  /** Original readers that take everything at once. */
  readonly primaries = new Set<Reading>();
  weather: Weather | undefined;
  violation: Violation | undefined;
  isHealed = false;
  /** Streams that somebody has asked to stop. */
  readonly stopped = new Set<string>();
  /** What each of them meant: a claim, or whichever runs. */
  readonly stops: { streamId: string; epoch: number | undefined }[] = [];
  readonly losses = new Losses();
  /** The epochs of claims that ask for no free record. */
  readonly superseding = new Set<number>();
  readonly trace: string[] | undefined;
  readonly handOvers: HandOvers = new HandOvers(this);

  readonly #plant: Plant;
  readonly #dice: Dice;
  /** What ends the hindrances that last. */
  readonly #remedies = new Set<() => void>();

  constructor(plan: Plan, { isTraced, plant }: { isTraced: boolean; plant: Plant }) {
    this.plan = plan;
    this.trace = isTraced ? [] : undefined;
    this.#plant = plant;
    this.#dice = new Dice(plan.seed, 1);
    const parts = { world: this, plant };
    this.backend = backendFor(parts);
    for (let index = 0; index < plan.processes; index++) this.participants.push(this.boot());
  }

  get now(): number {
    return this.timeline.now;
  }

  log(line: string): void {
    this.trace?.push(`${this.now.toFixed(1).padStart(9)} ms  ${line}`);
  }

  violate(promise: Violation["promise"], what: string): void {
    if (this.violation) return;
    this.violation = { promise, what };
    this.log(`VIOLATION of ${promise}: ${what}`);
  }

  boot(): Participant {
    const number = this.everybody.length;
    const { maxQueuedUnits, maxSkewMs } = this.plan;
    const skewMs = this.#dice.between(-maxSkewMs, maxSkewMs);
    const machine = new Machine({ name: `P${number}`, timeline: this.timeline, skewMs });
    const participant = new Participant({
      machine,
      connection: this.backend.connect(machine, number),
      maxQueuedUnits,
      plant: this.#plant,
      onEnd: this.plan.onEnd && ((owner, ended) => this.handOvers.take(owner, ended)),
      onEndTimeoutMs: this.plan.onEnd?.timeoutMs,
      log: (line) => this.log(line),
      onQueueTooLong: (units) => this.violate("G9", `a follower holds ${units} of at most ${maxQueuedUnits}`),
      onGranted: (owner, streamId, epoch) => this.granted(owner, streamId, epoch),
      onAttached: (owner, streamId, epoch) => this.attached(owner, streamId, epoch),
    });
    this.everybody.push(participant);
    return participant;
  }

  /** A hindrance lasts until then, or until all heals. */
  until(forMs: number, remedy: () => void): void {
    const once = (): void => {
      if (this.#remedies.delete(once)) remedy();
    };
    this.#remedies.add(once);
    this.timeline.after(forMs, once);
  }

  heal(): void {
    this.isHealed = true;
    for (const remedy of this.#remedies) remedy();
  }

  /** Whether nothing that happened lately excuses what `those` did. */
  isCalm(...those: ReadonlyArray<Participant | undefined>): boolean {
    // What one does by several of the documented methods is excused by any process that was held up between two of them.
    const hindered = this.plan.client === "documented" ? this.everybody : those;
    const untils = hindered.map((each) => each?.machine.hindrance.until ?? Number.NEGATIVE_INFINITY);
    return Math.max(this.hindrance.until, ...untils) < this.now - AFTERMATH_MS;
  }

  /** Whether nothing has hindered anybody so far. */
  get wasCalmThroughout(): boolean {
    return this.hindrance.until < 0 && this.everybody.every(({ machine }) => machine.hindrance.until < 0);
  }

  /** Whether nothing kept a run's end from being written, which excuses what its record says for good. */
  isEndSure(run: Run): boolean {
    const until = Math.max(this.hindrance.until, run.machine.hindrance.until);
    return run.end === "running" || until < run.endedAt - AFTERMATH_MS;
  }

  runsOf(streamId: string): Run[] {
    return this.runs.filter((run) => run.streamId === streamId);
  }

  /** The last claim of a stream that somebody knows of. */
  newestWin(streamId: string): Win | undefined {
    let newest: Win | undefined;
    for (const win of this.wins) {
      if (win.streamId !== streamId || (!win.isGranted && this.now - win.askedAt >= CLAIM_TIMEOUT_MS))
        continue;
      if (!newest || win.order > newest.order) newest = win;
    }
    return newest;
  }

  /** Whether another has claimed the stream since. */
  isFollowedBy({ order, streamId }: Win): boolean {
    const key = this.backend.keyOf(streamId);
    return this.backend.claims.some((claim, at) => at > order && claim.key === key);
  }

  /** Whether a `createNewResumableStream` has taken the stream over since, known to its caller or not yet. */
  isSuperseded({ order, streamId }: Win): boolean {
    const key = this.backend.keyOf(streamId);
    // Over a log nobody tells of a claim whose answer was lost, or came when its caller had given up.
    const isNobodys = (epoch: number): boolean =>
      this.backend.keepsText && this.winUnder(streamId, epoch)?.isGranted !== true;
    return this.backend.claims.some(
      ({ epoch, key: claimed }, at) =>
        at > order && claimed === key && (this.superseding.has(epoch) || isNobodys(epoch)),
    );
  }

  /** Whether there was a claim under which nobody called `makeStream`: its process died, or it came too late to be wanted. */
  hasClaimWithoutRun(streamId: string): boolean {
    return this.wins.some(
      (win) =>
        win.streamId === streamId && !win.run && (!win.isGranted || win.participant.machine.state === "dead"),
    );
  }

  /** Absent until a process knows that it holds this claim. */
  winUnder(streamId: string, epoch: number): Win | undefined {
    return this.wins.find((win) => win.epoch === epoch && win.streamId === streamId);
  }

  /** A process may hold several claims of one stream at one moment, and any of them may be the run's. */
  winsLike(run: Run): Win[] {
    return this.wins.filter(
      ({ participant, streamId }) => participant.machine === run.machine && streamId === run.streamId,
    );
  }

  /** The runs that may be of this claim; of any, where none is named. */
  runsUnder(streamId: string, epoch: number | undefined): Run[] {
    const runs = this.runsOf(streamId);
    if (epoch === undefined) return runs;
    return runs.filter((run) => this.winsLike(run).some((win) => win.epoch === epoch));
  }

  winOf(run: Run): Win | undefined {
    return this.wins.find((win) => win.run === run);
  }

  ownerOf(run: Run): Participant | undefined {
    return this.everybody.find(({ machine }) => machine === run.machine);
  }

  /** The transport told the engine that it holds a claim: it has to be one that the server granted (G3). */
  granted({ machine }: Participant, streamId: string, epoch: number): void {
    const win = this.winUnder(streamId, epoch);
    if (win) win.isGranted = true;
    else this.violate("G3", `${machine.name} took a claim of ${streamId} that it wasn't granted`);
  }

  /** A source that ran without a claim, for an outage, has got one after all. */
  attached(participant: Participant, streamId: string, epoch: number): void {
    this.granted(participant, streamId, epoch);
    const win = this.winUnder(streamId, epoch);
    const bound = new Set(this.wins.map(({ run }) => run));
    if (!win || win.run) return;
    const runs = this.runsOf(streamId).filter(
      (run) => run.machine === participant.machine && !bound.has(run),
    );
    // One that has ended has a claim, too: its end is written under it.
    const ended = runs.find((run) => run.wasAlone && run.startedAt >= win.askedAt);
    win.run = runs.findLast((run) => run.end === "running") ?? ended;
  }

  /** A process heard that it holds a claim. */
  won(
    participant: Participant,
    streamId: string,
    { askedAt, epoch }: { askedAt: number; epoch: number },
  ): void {
    const key = this.backend.keyOf(streamId);
    const isSuperseding = this.superseding.has(epoch);
    this.log(`${participant.machine.name} wins ${streamId}${isSuperseding ? " over whoever had it" : ""}`);
    // A producer that finds its record missing claims it again: the same claim, no new one.
    if (this.winUnder(streamId, epoch)) return;
    const order = this.backend.claims.findLastIndex((claim) => claim.key === key && claim.epoch === epoch);
    const previous = this.newestWin(streamId);
    this.wins.push({ participant, streamId, epoch, order, askedAt, isGranted: false, run: undefined });
    if (previous && !isSuperseding && previous.order < order) this.#checkTakeOver(previous, participant);
  }

  /** A claim of a free record means that its last producer failed, died or can't be reached (G3). */
  #checkTakeOver(win: Win, by: Participant): void {
    const { participant, run, streamId } = win;
    if (!run || this.isSuperseded(win) || participant.machine.state === "dead") return;
    if (!this.isCalm(participant, by)) return;
    if (run.end === "failed" || run.end === "closed" || run.end === "fenced") return;
    // A restart forgot that it was done.
    if (run.end !== "running" && (this.losses.hasForgotten(run) || !this.isEndSure(run))) return;
    const { name } = participant.machine;
    this.violate(
      "G3",
      `${by.machine.name} claimed ${streamId} while run ${run.number} of ${name} is ${run.end}`,
    );
  }
}
