// One stream's life as planned, from its first call until nobody reads it any more. Everything that was seen goes into its log.

import { setTimeout as pass } from "node:timers/promises";
import type { ReadingReport } from "../support/reading.ts";
import type { StartAnswer } from "../support/worker-protocol.ts";
import type { Crew, Member } from "./crew.ts";
import { SETTLED_MS } from "./judge.ts";
import type { Leg, Run, Stop, StreamLog } from "./observed.ts";
import type { ReaderPlan, SourcePlan, StreamPlan } from "./plan.ts";

/** How often a wait looks whether it took too long. */
const LOOK_MS = 2_000;
/** Before a reader asks again a server that was away, and before the last question about a stream. */
const PAUSE_MS = 1_000;

const UNANSWERED: Pick<Leg, "answeredAt" | "end" | "endedAt" | "longestWaitMs" | "outcome" | "text"> = {
  answeredAt: Infinity,
  outcome: "no answer",
  text: "",
  endedAt: Infinity,
  end: { kind: "open" },
  longestWaitMs: 0,
};

interface Asking {
  name: string;
  slot: number;
  call: Leg["call"];
  /** Absent if it names none. */
  offset?: number;
  /** The leg that it continues, with the mark of that. */
  marked?: Begun;
  source?: SourcePlan;
}

interface Begun {
  leg: Leg;
  member: Member;
  /** Absent where there is none. */
  generation?: string;
}

export class Life {
  readonly log: StreamLog;
  readonly #plan: StreamPlan;
  readonly #crew: Crew;
  readonly #clock: () => number;
  readonly #startedAt: number;
  /** Whoever took part. */
  readonly #members = new Map<string, Member>();

  constructor(plan: StreamPlan, crew: Crew, clock: () => number) {
    this.#plan = plan;
    this.#crew = crew;
    this.#clock = clock;
    this.#startedAt = clock();
    this.log = { streamId: plan.streamId, runs: [], legs: [], stops: [] };
  }

  async live(): Promise<void> {
    const { probeSlot, readers, slot, source, stop, streamId, supersede } = this.#plan;
    const original: Asking = { name: `${streamId}.o`, slot, call: "resumableStream", source };
    await Promise.all([
      this.#readOn(original),
      ...readers.map((reader, index) => this.#read(reader, `${streamId}.r${index}`)),
      stop && this.#stop(stop),
      supersede && this.#supersede(supersede),
    ]);
    await pass(PAUSE_MS);
    await this.#readOn({ name: `${streamId}.probe`, slot: probeSlot, call: "resumeExistingStream" });
    await this.#learnRuns();
    await this.#forget();
  }

  async #readOn(asking: Asking): Promise<Begun> {
    const begun = await this.#begin(asking);
    if (begun.leg.outcome === "stream") await this.#end(begun);
    return begun;
  }

  async #read(plan: ReaderPlan, name: string): Promise<void> {
    await this.#until(plan.at);
    const skipped = Math.floor(plan.skips * this.#plan.source.chunks * (this.#plan.source.chunkLength ?? 0));
    const where = skipped > 0 ? { offset: skipped } : {};
    const call = plan.call === "join" ? "resumableStream" : "resumeExistingStream";
    let asking: Asking | undefined = {
      name: `${name}.0`,
      slot: plan.slot,
      call,
      ...where,
      source: plan.source,
    };
    for (const [index, slot] of [...plan.nextSlots, undefined].entries()) {
      const begun = await this.#begin(asking);
      if (begun.leg.outcome === "stream") await this.#end(begun, index === 0 ? plan.dropsAfterMs : undefined);
      if (slot === undefined) return;
      asking = await this.#comeBack(begun, { plan, slot, name: `${name}.${index + 1}` });
      if (asking === undefined) return;
    }
  }

  /** What a reader asks next; undefined if it has what it came for, or gave up. */
  async #comeBack(
    begun: Begun,
    { name, plan, slot }: { plan: ReaderPlan; slot: number; name: string },
  ): Promise<Asking | undefined> {
    const { leg } = begun;
    const { end, outcome } = leg;
    if (outcome === "null" || outcome === "no answer" || end.kind === "open") return undefined;
    if (outcome === "undefined")
      return plan.isBack ? { name, slot, call: "resumableStream", source: plan.source } : undefined;
    if (outcome === "rejected") {
      await pass(PAUSE_MS);
      return { name, slot, call: leg.call, source: plan.source };
    }
    if (end.kind === "clean" || (end.kind === "left" && !plan.isBack)) return undefined;
    const resumes = { name, slot, call: "resumeExistingStream", source: plan.source } as const;
    if (outcome === "gone" || end.kind === "gone") return resumes;
    return { ...resumes, offset: leg.offset + leg.text.length, ...(plan.isMarked && { marked: begun }) };
  }

  async #begin(asking: Asking): Promise<Begun> {
    const { call, marked, name, source } = asking;
    const member = await this.#crew.at(asking.slot);
    this.#members.set(member.name, member);
    const generation = marked?.generation;
    const leg: Leg = {
      name,
      call,
      process: member.name,
      offset: asking.offset ?? 0,
      ...(marked && generation !== undefined && { continues: marked.leg.name }),
      calledAt: this.#clock(),
      ...UNANSWERED,
    };
    this.log.legs.push(leg);
    const mayProduce = call !== "resumeExistingStream" && source !== undefined;
    const spec = mayProduce ? { ...source, label: name } : undefined;
    if (spec) this.log.runs.push({ spec, process: member.name, made: "unknown", leg: name });
    const position = generation === undefined ? asking.offset : `${asking.offset ?? 0}.${generation}`;
    const answer = await this.#answer(
      member.worker.start({
        read: name,
        call,
        streamId: this.#plan.streamId,
        ...(position !== undefined && { skipCharacters: position }),
        ...(spec && { source: spec }),
      }),
    );
    this.#note(leg, answer);
    const isMade = spec && leg.outcome === "stream" && (await this.#learnRun(name, member));
    if (isMade) leg.offset = 0;
    const given = typeof answer === "object" ? answer.generation : undefined;
    return { leg, member, ...(given !== undefined && { generation: given }) };
  }

  #note(leg: Leg, answer: StartAnswer | "gone" | "no answer"): void {
    if (answer === "no answer") return;
    leg.answeredAt = this.#clock();
    leg.outcome = answer === "gone" ? "gone" : answer.outcome;
    if (answer !== "gone" && answer.error) leg.error = answer.error;
    if (leg.outcome === "stream") return;
    leg.endedAt = leg.answeredAt;
    leg.end = { kind: "gone" };
  }

  /** Reads until the stream ends, or until the reader leaves. */
  async #end({ leg, member }: Begun, leavesAfterMs?: number): Promise<void> {
    const { worker } = member;
    const leaving = new AbortController();
    const ended = this.#answer(worker.ask("ended", { read: leg.name }));
    if (leavesAfterMs !== undefined) {
      const leave = async (): Promise<void> => {
        await pass(leavesAfterMs, undefined, { signal: leaving.signal });
        await worker.ask("leave", { read: leg.name });
      };
      // Aborted if the text ended before; or the process died, which the end tells as well.
      leave().catch(() => undefined);
    }
    const report = await ended;
    leaving.abort();
    if (report === "no answer") {
      const late = await this.#answer(worker.ask("reading", { read: leg.name }));
      if (typeof late === "object") this.#take(leg, late);
      return;
    }
    leg.endedAt = this.#clock();
    if (report === "gone") leg.end = { kind: "gone" };
    else this.#take(leg, report);
  }

  #take(leg: Leg, { end, longestWaitMs, text = "" }: ReadingReport): void {
    leg.text = text;
    leg.longestWaitMs = longestWaitMs;
    if (end) leg.end = end;
  }

  async #stop({ at, slot }: { at: number; slot: number }): Promise<void> {
    await this.#until(at);
    const member = await this.#crew.at(slot);
    const stop: Stop = {
      process: member.name,
      calledAt: this.#clock(),
      answeredAt: Infinity,
      answer: "no answer",
    };
    this.log.stops.push(stop);
    const { streamId } = this.#plan;
    const asked = member.worker.ask("stop", { streamId }).catch((error: unknown) => {
      if (!member.worker.isRunning) throw error;
      return "rejected" as const;
    });
    stop.answer = await this.#answer(asked);
    stop.answeredAt = this.#clock();
  }

  async #supersede({ at, slot, source }: { at: number; slot: number; source: SourcePlan }): Promise<void> {
    await this.#until(at);
    await this.#readOn({
      name: `${this.#plan.streamId}.new`,
      slot,
      call: "createNewResumableStream",
      source,
    });
  }

  /** What a process answers; `gone` if it dies before; `no answer` if it takes longer than it may. */
  async #answer<T>(asked: Promise<T>): Promise<T | "gone" | "no answer"> {
    const answered = asked.catch(() => "gone" as const);
    const askedAt = this.#clock();
    for (;;) {
      const timer = new AbortController();
      const late = pass(LOOK_MS, "late" as const, { signal: timer.signal }).catch(() => "late" as const);
      const answer = await Promise.race([answered.then((value) => ({ value })), late]);
      timer.abort();
      if (answer !== "late") return answer.value;
      if (this.#clock() > this.#quietSince(askedAt) + SETTLED_MS) return "no answer";
    }
  }

  /** Since when nothing disturbs this stream, and no source of it has text to come. */
  #quietSince(askedAt: number): number {
    const { legs, runs } = this.log;
    const sourceEnds = runs.map(({ leg, spec }) => {
      const calledAt = legs.find(({ name }) => name === leg)?.calledAt ?? 0;
      return calledAt + spec.chunks * spec.everyMs;
    });
    const ends = this.#crew.disturbances
      .filter(({ process }) => process === undefined || this.#members.has(process))
      .map(({ to }) => to);
    return Math.max(askedAt, ...sourceEnds, ...ends);
  }

  async #learnRuns(): Promise<void> {
    for (const run of this.log.runs) {
      const member = this.#members.get(run.process);
      if (member) await this.#learnRun(run.leg, member);
    }
  }

  /** Whether the call that brought a source made it. */
  async #learnRun(label: string, { worker }: Member): Promise<boolean> {
    const run: Run | undefined = this.log.runs.find(({ leg }) => leg === label);
    const report = await this.#answer(worker.ask("source", { label }));
    if (run && typeof report === "object") run.made = report.made > 0;
    return run?.made === true;
  }

  async #forget(): Promise<void> {
    const reads = this.log.legs.map(({ name }) => name);
    const forgets = [...this.#members.values()].map(({ worker }) =>
      this.#answer(worker.ask("forget", { reads, labels: reads })),
    );
    await Promise.all(forgets);
  }

  async #until(at: number): Promise<void> {
    const waitMs = this.#startedAt + at - this.#clock();
    if (waitMs > 0) await pass(waitMs);
  }
}
