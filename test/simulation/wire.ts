// A simulated connection between a process and the server: in order, late, stalled, broken and back.

import type { Dice } from "../../src/testing/dice.ts";
import type { Machine } from "./machine.ts";
import type { Timeline } from "./timeline.ts";

export interface WireOptions {
  timeline: Timeline;
  machine: Machine;
  dice: Dice;
  latency: { minMs: number; maxMs: number };
  /** What a client does with commands while it has no connection, and with those in flight when it broke. */
  offline: "reject" | "queue" | "resend";
  log: (line: string) => void;
  name: string;
  /** How long the server takes for a command that has arrived. @defaultValue no time */
  lagMs?: () => number;
  /** Whether messages keep their order, as on one connection; in a pool of them they don't. @defaultValue true */
  isOrdered?: boolean;
}

interface Command {
  what: string;
  execute: () => unknown;
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

/** Between two messages of a lane, so that they keep their order. */
const STEP_MS = 0.001;

/** One direction of a connection: first in, first out. */
class Lane {
  readonly #timeline: Timeline;
  readonly #delay: () => number;
  readonly #isOrdered: boolean;
  #last = 0;
  /** What arrived while nothing came through; absent while it does. */
  #held: Array<() => void> | undefined;

  constructor(timeline: Timeline, { delay, isOrdered }: { delay: () => number; isOrdered: boolean }) {
    this.#timeline = timeline;
    this.#delay = delay;
    this.#isOrdered = isOrdered;
  }

  send(run: () => void): void {
    this.#at(this.#timeline.now + this.#delay(), run);
  }

  stall(): void {
    this.#held ??= [];
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const run of held) this.#timeline.after(0, run);
  }

  #at(time: number, run: () => void): void {
    const at = this.#isOrdered ? Math.max(this.#last + STEP_MS, time) : time;
    this.#last = at;
    this.#timeline.at(at, () => {
      if (this.#held) this.#held.push(run);
      else run();
    });
  }
}

export class Wire {
  isUp = true;
  /** Told when the connection broke, and when it is back. */
  onDown: () => void = () => {};
  onUp: () => void = () => {};

  readonly #options: WireOptions;
  readonly #toServer: Lane;
  readonly #toProcess: Lane;
  /** Counts connections: what belongs to an earlier one is lost. */
  #connection = 0;
  readonly #inFlight = new Set<Command>();
  readonly #waiting: Command[] = [];

  constructor(options: WireOptions) {
    this.#options = options;
    const { dice, isOrdered = true, latency, timeline } = options;
    const lane = { delay: (): number => dice.between(latency.minMs, latency.maxMs), isOrdered };
    this.#toServer = new Lane(timeline, lane);
    this.#toProcess = new Lane(timeline, lane);
  }

  command<T>(what: string, execute: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const command: Command = { what, execute, resolve: (answer) => resolve(answer as T), reject };
      if (this.isUp) this.#send(command);
      else if (this.#options.offline === "reject") reject(new Error("The client is closed."));
      else this.#waiting.push(command);
    });
  }

  /** Which connection it is by now; the next one while there is none. */
  get connection(): number {
    return this.#connection;
  }

  /** From the server to the process, over the connection of that number; lost if that is broken, or breaks before it arrives. */
  deliver(run: () => void, { connection, ...how }: { lateMs: number; connection: number }): void {
    const isThere = this.isUp && connection === this.#connection;
    const arrive = (): void => {
      if (isThere && connection === this.#connection) this.#options.machine.enter(run);
    };
    if (how.lateMs === 0) this.#toProcess.send(arrive);
    else this.#options.timeline.after(how.lateMs, arrive);
  }

  /** Nothing comes through, and nothing is lost. */
  stall(): void {
    this.#toServer.stall();
    this.#toProcess.stall();
  }

  resume(): void {
    this.#toServer.resume();
    this.#toProcess.resume();
  }

  break(): void {
    if (!this.isUp) return;
    this.#options.log(`${this.#options.name} breaks`);
    this.isUp = false;
    this.#connection += 1;
    const failed = [...this.#inFlight];
    this.#inFlight.clear();
    if (this.#options.offline === "resend") this.#waiting.push(...failed);
    else {
      for (const command of failed) {
        this.#options.machine.enter(() => command.reject(new Error("Socket closed unexpectedly.")));
      }
    }
    this.onDown();
  }

  restore(): void {
    if (this.isUp) return;
    this.#options.log(`${this.#options.name} is back`);
    this.isUp = true;
    for (const command of this.#waiting.splice(0)) this.#send(command);
    this.onUp();
  }

  #send(command: Command): void {
    const { lagMs = () => 0, log, machine, name, timeline } = this.#options;
    const connection = this.#connection;
    this.#inFlight.add(command);
    const execute = (): void => {
      const answer = attempt(command.execute);
      log(`${name}: ${command.what} → ${answer.isOk ? JSON.stringify(answer.value) : "error"}`);
      this.#toProcess.send(() => {
        if (connection !== this.#connection) return;
        this.#inFlight.delete(command);
        machine.enter(() => (answer.isOk ? command.resolve(answer.value) : command.reject(answer.error)));
      });
    };
    this.#toServer.send(() => {
      if (connection !== this.#connection) return;
      const lag = lagMs();
      if (lag > 0) timeline.after(lag, execute);
      else execute();
    });
  }
}

function attempt(run: () => unknown): { isOk: true; value: unknown } | { isOk: false; error: Error } {
  try {
    return { isOk: true, value: run() };
  } catch (error) {
    return { isOk: false, error: error instanceof Error ? error : new Error(String(error)) };
  }
}
