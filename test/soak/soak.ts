// A soak over one store: streams under a steady load, faults in storms, and a verdict on each stream and on what is left.

import { setTimeout as pass } from "node:timers/promises";
import { Dice } from "../../src/testing/dice.ts";
import { Crew } from "./crew.ts";
import { excuse } from "./excuses.ts";
import { growth, leftovers, tally } from "./flatness.ts";
import { judge } from "./judge.ts";
import { Life } from "./life.ts";
import { ELDER, planStorm, planStream, type Scale } from "./plan.ts";
import { Reports, troubles } from "./reports.ts";
import { openStore, RETENTION_SECONDS, type Store, type StoreKind } from "./stores.ts";
import { tellStory } from "./story.ts";

export interface SoakOptions extends Scale {
  store: StoreKind;
  seed: number;
  /** How many are under way at a time. */
  streams: number;
  /** For how long streams are started. */
  forMs: number;
  /** How often heap, keys and channels are measured. */
  sampleEveryMs: number;
  /** Told of each failure and each measurement as it comes. */
  tell?: (line: string) => void;
}

export interface SoakReport {
  /** Each as several lines: what was wrong, and what happened. */
  failures: string[];
  /** How many there were: streams, calls by their outcome, ends by their kind, faults by theirs. */
  counts: Record<string, number>;
}

/** After each storm, so that what no fault excuses is seen as well. */
const CALM_MS = 20_000;
/** A soak that fails all the time needn't go on. */
const MOST_FAILURES = 20;
const HEAP = "heap and buffers";
/** How many longest streams, with what is kept of them, have to fit into a soak of which growth is told. */
const STEADY_ROUNDS = 3;
/** What a heap may gain beside a fifth: a collection that isn't due, and what a busier moment holds. */
const HEAP_ALLOWANCE = 4_000_000;
/** By when what ended has left no trace: its retention, a lease and its looks, and how long a write is tried. */
const GONE_MS = RETENTION_SECONDS * 1_000 + 60_000;
const LOOK_MS = 250;
/** Streams of one reader each in every place, so that what a context keeps for its life is there. */
const WARM_UP_ROUNDS = 2;
/** Lanes of the dice, apart from those of the streams. */
const FAULT_LANE = -1;
const WARM_UP_LANE = -1_000;

export async function soak(options: SoakOptions): Promise<SoakReport> {
  await using store = await openStore(options.store);
  const startedAt = performance.now();
  const clock = (): number => performance.now() - startedAt;
  await using crew = await Crew.open(store, options.slots, clock);
  // Awaited here: processes and server are gone after the return.
  const report = await new Soak(options, { clock, crew, store }).run();
  return report;
}

class Soak {
  readonly #options: SoakOptions;
  readonly #store: Store;
  readonly #crew: Crew;
  readonly #clock: () => number;
  readonly #reports = new Reports();
  readonly #report: SoakReport = { failures: [], counts: {} };
  readonly #samples: Record<string, number[]> = {};
  /** When each process was last asked what it reported. */
  readonly #askedAt = new Map<string, number>();
  #endsAt = Infinity;
  #started = 0;

  constructor(options: SoakOptions, parts: { store: Store; crew: Crew; clock: () => number }) {
    this.#options = options;
    this.#store = parts.store;
    this.#crew = parts.crew;
    this.#clock = parts.clock;
  }

  async run(): Promise<SoakReport> {
    const { forMs, streams } = this.#options;
    await this.#warmUp();
    const before = await this.#elderResources();
    this.#endsAt = this.#clock() + forMs;
    await Promise.all([
      ...Array.from({ length: streams }, (_, index) => this.#keepOneAlive(index)),
      this.#storm(),
      this.#sampleOften(),
    ]);
    await this.#crew.healed();
    await this.#hearReports();
    for (const wrong of this.#reports.unexpected()) this.#fail(wrong);
    this.#judgeGrowth();
    await this.#judgeLeftovers(before);
    this.#report.counts["streams"] = this.#started;
    return this.#report;
  }

  get #isOver(): boolean {
    return this.#clock() >= this.#endsAt || this.#report.failures.length >= MOST_FAILURES;
  }

  async #warmUp(): Promise<void> {
    const { seed, slots } = this.#options;
    const numbers = Array.from({ length: slots * WARM_UP_ROUNDS }, (_, index) => WARM_UP_LANE - index);
    const lives = numbers.map(async (number, index) => {
      const plan = planStream(seed, number, { slots, longestMs: 2_000 });
      await this.#live({
        ...plan,
        streamId: `s0${index}`,
        slot: index % slots,
        probeSlot: (index + 1) % slots,
      });
    });
    await Promise.all(lives);
    // What the server keeps of them isn't waited for.
    while ((await this.#unsettled()).length > 0) await pass(LOOK_MS);
  }

  /** One stream after the other, each by its number. */
  async #keepOneAlive(index: number): Promise<void> {
    const { longestMs, seed, streams } = this.#options;
    // Not all at once.
    await pass((longestMs * 0.4 * index) / streams);
    while (!this.#isOver) {
      this.#started += 1;
      await this.#live(planStream(seed, this.#started, this.#options));
    }
  }

  async #live(plan: ReturnType<typeof planStream>): Promise<void> {
    const life = new Life(plan, this.#crew, this.#clock);
    await life.live();
    const { disturbances } = this.#crew;
    const { keepsText } = this.#store;
    this.#reports.note(life.log, excuse(disturbances));
    this.#count(
      life.log.legs.flatMap(({ call, end, outcome }) => [
        `${call}: ${outcome}`,
        ...(outcome === "stream"
          ? [`end: ${end.kind === "error" ? (end.error.code ?? "other") : end.kind}`]
          : []),
      ]),
    );
    this.#count(life.log.stops.map(({ answer }) => `stopStream: ${answer}`));
    const wrong = judge(life.log, { disturbances, keepsText });
    if (wrong.length === 0) return;
    this.#fail([...wrong, ...tellStory(life.log, disturbances).map((line) => `    ${line}`)].join("\n"));
  }

  async #storm(): Promise<void> {
    const dice = new Dice(this.#options.seed, FAULT_LANE);
    while (!this.#isOver) {
      for (const { afterMs, fault } of planStorm(dice, this.#options)) {
        await pass(afterMs);
        if (this.#isOver) return;
        this.#count([`fault: ${fault.kind}`]);
        await this.#crew.apply(fault);
      }
      await pass(Math.min(CALM_MS, Math.max(0, this.#endsAt - this.#clock())));
    }
  }

  async #sampleOften(): Promise<void> {
    const { longestMs, sampleEveryMs, tell } = this.#options;
    // Until the load is steady.
    await pass(longestMs * 0.5);
    while (!this.#isOver) {
      await this.#crew.at(ELDER).then(({ worker }) => this.#sample({ elder: worker.ask("vitals") }));
      await this.#hearReports();
      const last = Object.entries(this.#samples).map(([name, values]) => `${name} ${values.at(-1)}`);
      tell?.(`${(this.#clock() / 1_000).toFixed()} s, ${this.#started} streams: ${last.join(", ")}`);
      await pass(sampleEveryMs);
    }
  }

  async #sample({ elder }: { elder: Promise<{ memoryBytes: number; resources: string[] }> }): Promise<void> {
    const { memoryBytes, resources } = await elder;
    // A server that is away has nothing to count.
    const counted = await this.#store.count().catch(() => ({}));
    for (const [name, value] of Object.entries({
      "heap and buffers": memoryBytes,
      handles: resources.length,
      ...counted,
    }))
      (this.#samples[name] ??= []).push(value);
  }

  /** What each process told of trouble since it was last asked. */
  async #hearReports(): Promise<void> {
    for (const { name, worker } of await this.#crew.all()) {
      const span = { from: this.#askedAt.get(name) ?? 0, to: this.#clock() };
      this.#askedAt.set(name, span.to);
      const asked = Promise.all([worker.ask("takeErrors"), worker.ask("vitals")]);
      // It may be killed at any moment.
      const answer = await asked.catch(() => undefined);
      if (!answer) continue;
      const [errors, vitals] = answer;
      this.#count(errors.map(({ code }) => `onError: ${code}`));
      const excuses = excuse(this.#crew.disturbances);
      for (const error of errors) {
        const wrong = this.#reports.hear({ error, process: name }, span, excuses);
        if (wrong !== undefined) this.#fail(wrong);
      }
      for (const line of troubles(name, vitals)) this.#fail(line);
    }
  }

  #judgeGrowth(): void {
    const { forMs, longestMs, streams } = this.#options;
    const isSteady = forMs >= STEADY_ROUNDS * (longestMs + RETENTION_SECONDS * 1_000);
    for (const [name, values] of Object.entries(this.#samples)) {
      // What a server keeps, and who is connected, is steady once streams come and go; a heap is from the start.
      if (name !== HEAP && !isSteady) continue;
      const allowance = name === HEAP ? HEAP_ALLOWANCE : streams;
      const grown = growth(name, values, allowance);
      if (grown !== undefined) this.#fail(grown);
    }
  }

  async #judgeLeftovers(before: Record<string, number>): Promise<void> {
    const left = await this.#untilGone(before);
    if (left.length === 0) return;
    const what = `${GONE_MS} ms after the last stream there were ${left.join("; ")} (G7, G8)`;
    this.#fail([what, ...(await this.#store.list()).map((line) => `    ${line}`)].join("\n"));
  }

  /** Waits until nothing is left of any stream, in the server and in the processes. */
  async #untilGone(before: Record<string, number>): Promise<string[]> {
    const deadline = this.#clock() + GONE_MS;
    for (;;) {
      const left = await this.#left(before);
      if (left.length === 0 || this.#clock() > deadline) return left;
      await pass(LOOK_MS);
    }
  }

  async #left(before: Record<string, number>): Promise<string[]> {
    return [
      ...leftovers(await this.#store.count(), this.#store.idle(this.#options.slots)),
      ...(await this.#unsettled()),
      ...leftovers(await this.#elderResources(), before),
    ];
  }

  async #unsettled(): Promise<string[]> {
    const members = await this.#crew.all();
    const lines = members.map(async ({ name, worker }) => {
      const { waitUntil } = await worker.ask("vitals");
      const count = waitUntil.given - waitUntil.settled;
      return count > 0 ? [`${count} promises of waitUntil in process ${name}`] : [];
    });
    return (await Promise.all(lines)).flat();
  }

  async #elderResources(): Promise<Record<string, number>> {
    const { worker } = await this.#crew.at(ELDER);
    return tally((await worker.ask("vitals")).resources);
  }

  #count(names: readonly string[]): void {
    for (const name of names) this.#report.counts[name] = (this.#report.counts[name] ?? 0) + 1;
  }

  #fail(what: string): void {
    const { seed, store, tell } = this.#options;
    const failure = `over ${store}, seed ${seed}: ${what}`;
    this.#report.failures.push(failure);
    tell?.(failure);
  }
}
