// What the processes of a simulation call, what they learn by it, and what they read.

import { generationOf } from "../../src/engine/ends.ts";
import { epochOf } from "../../src/lib/position.ts";
import { type Answer, type Asked, judgeAnswer, judgeEnd, judgeRejection } from "./judge.ts";
import type { Participant } from "./participant.ts";
import type { Call, Opening, ReaderScript } from "./plan.ts";
import { Reading } from "./reading.ts";
import type { Run } from "./run.ts";
import { ranBeside, startRun } from "./start-run.ts";
import type { World } from "./world.ts";

export class Callers {
  /** Calls that haven't settled. */
  readonly calls = new Set<Asked>();
  readonly #world: World;
  #readers = 0;

  constructor(world: World) {
    this.#world = world;
  }

  call(participant: Participant, action: Call): void {
    const streamId = "stream" in action ? `s${action.stream}` : "";
    const { context } = participant;
    switch (action.type) {
      case "produce":
      case "create":
        return this.#opens(participant, { ...action, streamId });
      case "resume":
        return this.#follows(participant, { ...action, streamId });
      case "return":
        return this.#returns(participant, { ...action, streamId });
      case "stop-seen": {
        const seen = this.#pick(streamId, action.pick);
        if (seen) this.#stops(participant, streamId, seen.mark);
        return;
      }
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
        return this.#stops(participant, streamId, undefined);
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
        run = startRun(this.#world, participant, streamId, {
          script: source,
          isBesideClaim: type === "create",
        });
        return run.open(signal);
      };
      const stream =
        type === "create"
          ? await context.createNewResumableStream(streamId, makeStream)
          : await context.resumableStream(streamId, makeStream, skip);
      if (stream === null) return "done";
      if (run && type === "create") ranBeside(this.#world, participant, { mark: generationOf(stream), run });
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

  /** A reading of a stream, and the mark of its text; absent where there is none that anybody could come back to. */
  #pick(streamId: string, pick: number): { reading: Reading; mark: string } | undefined {
    const marked = this.#world.readings.flatMap((reading) => {
      const mark = reading.options.streamId === streamId ? generationOf(reading.options.stream) : undefined;
      return mark === undefined ? [] : [{ reading, mark }];
    });
    return marked[Math.floor(pick * marked.length)];
  }

  #returns(
    participant: Participant,
    { pick, reader, streamId }: { pick: number; reader: ReaderScript; streamId: string },
  ): void {
    const seen = this.#pick(streamId, pick);
    if (!seen) return;
    const from = seen.reading.options.from + seen.reading.length;
    const epoch = epochOf(seen.mark);
    this.#asks(participant, { type: "return", streamId, epoch }, async (asked) => {
      const stream = await participant.context.resumeExistingStream(streamId, `${from}.${seen.mark}`);
      if (stream === undefined) return "none";
      if (stream === null) return "done";
      this.#reads(stream, { ...asked, from, primaryOf: undefined, script: reader });
      return "live";
    });
  }

  #stops(participant: Participant, streamId: string, mark: string | undefined): void {
    const world = this.#world;
    const epoch = mark === undefined ? undefined : epochOf(mark);
    world.stopped.add(streamId);
    world.stops.push({ streamId, epoch });
    this.#asks(participant, { type: "stop", streamId, epoch }, async () => {
      const options = mark === undefined ? {} : { generation: mark };
      const isStopped = await participant.context.stopStream(streamId, options);
      world.log(`stop of ${streamId}: ${isStopped}`);
      return isStopped ? undefined : "none";
    });
  }

  /** Makes a call, and judges what it learned; undefined where that tells nothing. */
  #asks(
    participant: Participant,
    { epoch, streamId, type }: { type: Call["type"]; streamId: string; epoch?: number | undefined },
    ask: (asked: Asked) => Promise<Answer | undefined>,
  ): void {
    const world = this.#world;
    const what = `${type} ${streamId}`;
    const asked: Asked = { what, type, participant, streamId, epoch, startedAt: world.now };
    world.log(`${participant.machine.name} calls ${asked.what}`);
    this.calls.add(asked);
    const settle = async (): Promise<void> => {
      try {
        const answer = await ask(asked);
        world.log(`${participant.machine.name}: ${asked.what} → ${answer ?? "ok"}`);
        if (answer) judgeAnswer(world, asked, answer);
      } catch (error) {
        judgeRejection(world, asked, error);
      } finally {
        this.calls.delete(asked);
      }
    };
    void settle();
  }

  #reads(
    stream: ReadableStream<string>,
    how: Asked & { from: number; primaryOf: Run | undefined; script: ReaderScript },
  ): void {
    const world = this.#world;
    const { epoch, from, participant, primaryOf, script, streamId, type } = how;
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
      runs: () => world.runsUnder(streamId, epoch),
      now: () => world.now,
      onEnd: (which, end) => judgeEnd(world, which, end),
      onWrong: (_, wrong) => world.violate(epoch === undefined ? "G1" : "G14", `${name} ${wrong}`),
      log: (line) => world.log(line),
    });
    world.readings.push(reading);
    if (world.isHealed) reading.heal();
    if (primaryOf && reading.wasEager) world.primaries.add(reading);
    void reading.run();
  }
}
