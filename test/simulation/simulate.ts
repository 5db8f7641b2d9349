// One simulation, from its plan to a verdict.

import { SETTLING_MS } from "../../src/transports/log/outages.ts";
import { Callers } from "./callers.ts";
import { judgeFenced, judgePrimaries, judgeStops } from "./judge-runs.ts";
import type { Plant } from "./participant.ts";
import { type Action, type Call, type Plan, planFor, type ReaderScript, type StoreKind } from "./plan.ts";
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

/** How much longer than a lease a server that was restarted may let it last: it tells the time since its start in whole seconds. */
const ROUNDING_MS = 1_000;

/** By when everything has settled once nothing hinders it any more. */
const SETTLE_MS = 600_000;
const CLAIM_TIMEOUT_MS = 3_000;
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
  readonly #callers: Callers;

  constructor(world: World) {
    this.#world = world;
    this.#callers = new Callers(world);
  }

  async run(): Promise<void> {
    const { plan, timeline } = this.#world;
    for (const action of plan.actions) timeline.at(action.at, () => this.#act(action));
    await timeline.run(plan.durationMs, this.#check);
    timeline.after(0, () => this.#heal());
    if (!(await this.#settles("healed"))) return;
    judgeStops(this.#world);
    judgeFenced(this.#world);
    await this.#probe();
    this.#world.handOvers.judgeAll();
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
    if (isEverybodys(action)) return hinder(world, action);
    const participant = world.participants[action.process];
    if (!participant) return;
    switch (action.type) {
      case "produce":
      case "create":
      case "resume":
      case "return":
      case "stop-seen":
      case "ask":
      case "stop":
      case "close":
        return participant.machine.enter(() => this.#callers.call(participant, action));
      case "crash":
      case "freeze":
      case "stall-wire":
      case "break-wire":
        return hinder(world, action);
    }
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
        `${when} ${SETTLE_MS} ms ago, and timers still run: ${unsettled(world, this.#callers.calls)}`,
      );
    const left = unsettled(world, this.#callers.calls);
    if (left !== "") world.violate("G7", `${when}, and unsettled: ${left}`);
    return world.violation === undefined;
  }

  /** After all has settled every id can be asked for, and produced again where it isn't done (G4). */
  async #probe(): Promise<void> {
    const world = this.#world;
    const participant = world.boot();
    world.participants.push(participant);
    // A dead producer's lease has to lapse first, which lasts longer after a restart, and those of processes that were elected
    // to hand over what it left.
    const { onEnd } = world.plan;
    const electedMs = onEnd ? 3 * (onEnd.timeoutMs + 3 * CLAIM_TIMEOUT_MS) : 0;
    const leasesMs =
      (world.backend.leaseMs > 0 ? Math.max(world.backend.leaseMs, SETTLING_MS) + ROUNDING_MS : 0) +
      electedMs;
    world.timeline.after(leasesMs, () => world.log("— all leases have lapsed"));
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
        world.timeline.after(0, () => this.#callers.call(participant, probe));
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
      const close = (): void => this.#callers.call(participant, { type: "close", at: 0, process: 0 });
      this.#world.timeline.after(0, () => participant.machine.enter(close));
    }
  }
}

/** Faults that hit no process in particular. */
function isEverybodys(
  action: Action,
): action is Extract<Action, { type: "weather" | "restart-server" | "fail-over" | "evict" }> {
  return ["weather", "restart-server", "fail-over", "evict"].includes(action.type);
}
