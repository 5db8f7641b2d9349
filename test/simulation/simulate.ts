// One simulation, from its plan to a verdict.

import { type Asked, type Answer, judgeAnswer, judgeEnd, judgePrimaries, judgeRejection } from "./judge.ts";
import type { Participant, Plant } from "./participant.ts";
import {
  type Action,
  type Call,
  type Opening,
  type Plan,
  planFor,
  type ReaderScript,
  type StoreKind,
} from "./plan.ts";
import { Reading } from "./reading.ts";
import type { Run } from "./run.ts";
import { hinder } from "./faults.ts";
import { unsettled } from "./unsettled.ts";
import { type Violation, World } from "./world.ts";

export interface Outcome {
  plan: Plan;
  /** Absent where every promise held. */
  violation: Violation | undefined;
  steps: number;
  virtualMs: number;
  trace: readonly string[] | undefined;
}

export interface SimulateOptions {
  plant?: Plant;
  isTraced?: boolean;
}

/** By when everything has settled once nothing hinders it any more. */
const SETTLE_MS = 600_000;
const EAGER: ReaderScript = { paceMs: 0 };

export async function simulate(
  plan: Plan,
  { isTraced = false, plant = {} }: SimulateOptions = {},
): Promise<Outcome> {
  const world = new World(plan, { isTraced, plant });
  const onUnhandled = (error: unknown): void => world.violate("G7", `unhandled rejection: ${String(error)}`);
  process.on("unhandledRejection", onUnhandled);
  try {
    await new Simulation(world).run();
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
  const { now, timeline, trace, violation } = world;
  return { plan, violation, steps: timeline.steps, virtualMs: now, trace };
}

export function simulateSeed(
  seed: number,
  { store, ...options }: SimulateOptions & { store?: StoreKind } = {},
): Promise<Outcome> {
  return simulate(planFor(seed, store), options);
}

class Simulation {
  readonly #world: World;
  /** Calls that haven't settled. */
  readonly #calls = new Set<Asked>();
  #readers = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async run(): Promise<void> {
    const { plan, timeline } = this.#world;
    for (const action of plan.actions) timeline.at(action.at, () => this.#act(action));
    await timeline.run(plan.durationMs, this.#check);
    timeline.after(0, () => this.#heal());
    if (!(await this.#settles("healed"))) return;
    await this.#probe();
    this.#closeAll();
    if (!(await this.#settles("closed"))) return;
    const { left } = this.#world.backend;
    if (left.length > 0) this.#world.violate("G7", `subscriptions are left: ${left.join(", ")}`);
  }

  readonly #check = (): "go on" | "stop" => {
    if (!this.#world.violation) judgePrimaries(this.#world);
    return this.#world.violation ? "stop" : "go on";
  };

  #act(action: Action): void {
    const world = this.#world;
    world.log(`— ${action.type} ${"process" in action ? `P#${action.process}` : ""}`);
    if (action.type === "weather" || action.type === "restart-server") return hinder(world, action);
    const participant = world.participants[action.process];
    if (!participant) return;
    switch (action.type) {
      case "produce":
      case "create":
      case "resume":
      case "ask":
      case "stop":
      case "close":
        return participant.machine.enter(() => this.#call(participant, action));
      case "crash":
      case "freeze":
      case "stall-wire":
      case "break-wire":
        return hinder(world, action);
    }
  }

  #call(participant: Participant, action: Call): void {
    const streamId = "stream" in action ? `s${action.stream}` : "";
    const { context } = participant;
    switch (action.type) {
      case "produce":
      case "create":
        return this.#opens(participant, { ...action, streamId });
      case "resume":
        return this.#follows(participant, { ...action, streamId });
      case "ask":
        return this.#asks(participant, { type: "ask", streamId }, async () => {
          const answer = await context.hasExistingStream(streamId);
          return answer === true
            ? "live"
            : answer === null
              ? "none"
              : answer === "failed"
                ? "failed"
                : "done";
        });
      case "stop":
        this.#world.stopped.add(streamId);
        return this.#asks(participant, { type: "stop", streamId }, async () => {
          const isStopped = await context.stopStream(streamId);
          this.#world.log(`stop of ${streamId}: ${isStopped}`);
          return isStopped ? undefined : "none";
        });
      case "close":
        participant.isClosing = true;
        return this.#asks(participant, { type: "close", streamId }, async () => {
          await context.close();
          return undefined;
        });
    }
  }

  #opens(participant: Participant, { reader, skip, source, streamId, type }: Opening): void {
    const { context } = participant;
    this.#asks(participant, { type, streamId }, async (asked) => {
      let run: Run | undefined;
      const makeStream = ({
        signal,
      }: {
        signal: AbortSignal;
      }): ReadableStream<string> | Promise<ReadableStream<string>> => {
        if (run) this.#world.violate("G3", "makeStream was called twice");
        run = this.#world.startRun(participant, streamId, source);
        return run.open(signal);
      };
      const stream =
        type === "create"
          ? await context.createNewResumableStream(streamId, makeStream)
          : await context.resumableStream(streamId, makeStream, skip);
      if (stream === null) return "done";
      this.#reads(stream, { ...asked, from: run ? 0 : (skip ?? 0), primaryOf: run, script: reader });
      return run ? undefined : "live";
    });
  }

  #follows(
    participant: Participant,
    { reader, skip, streamId }: { reader: ReaderScript; skip?: number; streamId: string },
  ): void {
    this.#asks(participant, { type: "resume", streamId }, async (asked) => {
      const stream = await participant.context.resumeExistingStream(streamId, skip);
      if (stream === undefined) return "none";
      if (stream === null) return "done";
      this.#reads(stream, { ...asked, from: skip ?? 0, primaryOf: undefined, script: reader });
      return "live";
    });
  }

  /** Makes a call, and judges what it learned; undefined where that tells nothing. */
  #asks(
    participant: Participant,
    { streamId, type }: { type: Call["type"]; streamId: string },
    ask: (asked: Asked) => Promise<Answer | undefined>,
  ): void {
    const world = this.#world;
    const asked: Asked = { what: `${type} ${streamId}`, type, participant, streamId, startedAt: world.now };
    world.log(`${participant.machine.name} calls ${asked.what}`);
    this.#calls.add(asked);
    const settle = async (): Promise<void> => {
      try {
        const answer = await ask(asked);
        world.log(`${participant.machine.name}: ${asked.what} → ${answer ?? "ok"}`);
        if (answer) judgeAnswer(world, asked, answer);
      } catch (error) {
        judgeRejection(world, asked, error);
      } finally {
        this.#calls.delete(asked);
      }
    };
    void settle();
  }

  #reads(
    stream: ReadableStream<string>,
    how: Asked & { from: number; primaryOf: Run | undefined; script: ReaderScript },
  ): void {
    const world = this.#world;
    const { from, participant, primaryOf, script, streamId, type } = how;
    const name = `${primaryOf ? "reader" : "follower"} ${this.#readers++} in ${participant.machine.name}`;
    const reading = new Reading({
      name,
      participant,
      streamId,
      askedAt: how.startedAt,
      type,
      stream,
      from,
      primaryOf,
      script,
      runs: () => world.runsOf(streamId),
      now: () => world.now,
      onEnd: (which, end) => judgeEnd(world, which, end),
      onWrong: (_, what) => world.violate("G1", `${name} ${what}`),
      log: (line) => world.log(line),
    });
    world.readings.push(reading);
    if (world.isHealed) reading.heal();
    if (primaryOf && reading.wasEager) world.primaries.add(reading);
    void reading.run();
  }

  #heal(): void {
    const world = this.#world;
    world.log("— all heals");
    world.heal();
    for (const run of world.runs) run.heal();
    for (const reading of world.readings) reading.heal();
  }

  /** Nothing is left to do, and nothing is left undone (G7). */
  async #settles(when: string): Promise<boolean> {
    const world = this.#world;
    const how = await world.timeline.run(world.now + SETTLE_MS, this.#check);
    if (how === "stopped") return false;
    if (how === "late")
      world.violate(
        "G7",
        `${when} ${SETTLE_MS} ms ago, and timers still run: ${unsettled(world, this.#calls)}`,
      );
    const left = unsettled(world, this.#calls);
    if (left !== "") world.violate("G7", `${when}, and unsettled: ${left}`);
    return world.violation === undefined;
  }

  /** After all has settled every id can be asked for, and produced again where it isn't done (G4). */
  async #probe(): Promise<void> {
    const world = this.#world;
    const participant = world.boot();
    world.participants.push(participant);
    // A dead producer's lease has to lapse first.
    world.timeline.after(world.backend.leaseMs, () => world.log("— all leases have lapsed"));
    if (!(await this.#settles("waited for leases"))) return;
    for (let stream = 0; stream < world.plan.streams; stream++) {
      for (const type of ["ask", "resume", "produce"] as const) {
        const where = { at: world.now, process: world.participants.length - 1, stream };
        const source = {
          opening: "at once",
          openingMs: 0,
          chunks: [{ afterMs: 1, units: 9 }],
          end: "done",
          cancelling: "settles",
        } as const;
        const probe: Call = type === "ask" ? { type, ...where } : { type, ...where, source, reader: EAGER };
        world.timeline.after(0, () => this.#call(participant, probe));
        if (!(await this.#settles("probed"))) return;
      }
    }
    const answers = world.readings.filter(({ options }) => options.participant === participant);
    for (const { end, options } of answers) {
      const isDrained = world.backend.keepsText && options.type === "resume";
      if (end !== "clean" || (!options.primaryOf && !isDrained))
        world.violate("G4", `${options.name} found no free id after all had settled`);
    }
  }

  #closeAll(): void {
    for (const participant of this.#world.everybody) {
      const close = (): void => this.#call(participant, { type: "close", at: 0, process: 0 });
      this.#world.timeline.after(0, () => participant.machine.enter(close));
    }
  }
}
