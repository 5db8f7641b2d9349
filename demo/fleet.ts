// The servers behind the front. One that is killed has another process in its place soon.

import { type Report, startProcess, type StreamProcess } from "./process.ts";

export interface FleetServer {
  index: number;
  /** Absent from a kill until its successor runs. */
  process?: StreamProcess | undefined;
}

export class Fleet {
  readonly servers: readonly FleetServer[];
  readonly #env: NodeJS.ProcessEnv;
  /** The text that each stream's source has said so far. */
  readonly #said = new Map<string, string>();
  /** The process that produces each stream. */
  readonly #producers = new Map<string, StreamProcess>();
  /** SQL statements by process: its successor counts from 0. */
  readonly #statements = new Map<symbol, number>();
  /** The server that each device was sent to last. */
  readonly #places = new Map<string, FleetServer>();
  /** Successors that are starting. */
  readonly #launches = new Set<Promise<void>>();
  #turn = 0;

  private constructor(size: number, env: NodeJS.ProcessEnv) {
    this.servers = Array.from({ length: size }, (_, index) => ({ index }));
    this.#env = env;
  }

  static async start(size: number, env: NodeJS.ProcessEnv): Promise<Fleet> {
    const fleet = new Fleet(size, env);
    await Promise.all(fleet.servers.map((server) => fleet.#launch(server)));
    return fleet;
  }

  get statements(): number {
    return [...this.#statements.values()].reduce((sum, count) => sum + count, 0);
  }

  saidIn(id: string): string {
    return this.#said.get(id) ?? "";
  }

  producerOf(id: string): FleetServer | undefined {
    const producer = this.#producers.get(id);
    return producer && this.servers.find(({ process }) => process === producer);
  }

  produces(id: string, server: FleetServer): void {
    if (server.process) this.#producers.set(id, server.process);
  }

  /** A device that comes back is sent to another server than last time, if there is another. */
  nextFor(device: string): FleetServer | undefined {
    const last = this.#places.get(device)?.index;
    const start = last === undefined ? this.#turn++ : last + 1;
    const inTurn = this.servers.map((_, step) => this.servers[(start + step) % this.servers.length]);
    const next = inTurn.find((server) => server?.process);
    if (next) this.#places.set(device, next);
    return next;
  }

  /** Where a device is already. */
  placeOf(device: string): FleetServer | undefined {
    const place = this.#places.get(device);
    return place?.process ? place : this.nextFor(device);
  }

  async kill(index: number): Promise<void> {
    const server = this.servers[index];
    const victim = server?.process;
    if (!server || !victim) return;
    server.process = undefined;
    await victim.kill();
    const launch = this.#launch(server);
    this.#launches.add(launch);
    await launch.finally(() => this.#launches.delete(launch));
  }

  async close(): Promise<void> {
    // A successor that still starts would outlive the front.
    await Promise.allSettled(this.#launches);
    await Promise.all(this.servers.map(async ({ process }) => process?.kill()));
  }

  async #launch(server: FleetServer): Promise<void> {
    const key = Symbol("process");
    server.process = await startProcess(this.#env, ({ statements, said }: Report) => {
      if (statements !== undefined) this.#statements.set(key, statements);
      if (said) this.#said.set(said.id, this.saidIn(said.id) + said.word);
    });
  }
}
