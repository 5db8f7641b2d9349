// The processes of a soak, each in its place behind a proxy of its own, and all that is done to them and to their server.

import { setTimeout as pass } from "node:timers/promises";
import { WorkerProcess } from "../support/process.ts";
import { TcpProxy } from "../support/proxy.ts";
import type { Disturbance } from "./observed.ts";
import type { Fault } from "./plan.ts";
import type { Store } from "./stores.ts";

/** A loop that is so late was held up with the whole machine, and the processes beside it were, too. */
const BUSY_MS = 400;
const BUSY_LOOK_MS = 100;

/** A process, and its name: no two have the same, though one takes the place of the other. */
export interface Member {
  name: string;
  slot: number;
  worker: WorkerProcess;
}

interface Place {
  proxy: TcpProxy;
  member: Promise<Member>;
  /** How many processes have had this place. */
  had: number;
}

/** Open with `Crew.open()` and `await using`. */
export class Crew {
  readonly disturbances: Disturbance[] = [];
  readonly #store: Store;
  readonly #clock: () => number;
  readonly #places: Place[] = [];
  readonly #busyTimer: NodeJS.Timeout;
  /** What faults have still to undo. */
  readonly #healing = new Set<Promise<void>>();
  #lastLook: number;

  private constructor(store: Store, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
    this.#lastLook = clock();
    this.#busyTimer = setInterval(() => this.#lookWhetherBusy(), BUSY_LOOK_MS);
  }

  static async open(store: Store, slots: number, clock: () => number): Promise<Crew> {
    const crew = new Crew(store, clock);
    for (let slot = 0; slot < slots; slot += 1) {
      const proxy = await TcpProxy.start(store.port);
      crew.#places.push({ proxy, member: crew.#hire(slot, proxy, 0), had: 1 });
    }
    await crew.all();
    return crew;
  }

  /** Who has the place, or the one that is on its way to it. */
  at(slot: number): Promise<Member> {
    return this.#place(slot).member;
  }

  all(): Promise<Member[]> {
    return Promise.all(this.#places.map(({ member }) => member));
  }

  async apply(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case "kill":
        return this.#kill(fault.slot);
      case "freeze":
        return this.#freeze(fault.slot, fault.forMs);
      case "cut": {
        const { proxy } = this.#place(fault.slot);
        const disturbance = await this.#begin("cut", fault.slot);
        proxy.cut();
        disturbance.to = this.#clock();
        return;
      }
      case "silence":
        return this.#silence(fault.slot, fault.forMs);
      case "kill server":
        return this.#killServer(fault.downMs);
    }
  }

  /** Resolves once nothing is broken any more. */
  async healed(): Promise<void> {
    await Promise.all(this.#healing);
    await this.all();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#busyTimer);
    await Promise.all(this.#healing);
    for (const { member, proxy } of this.#places) {
      await (await member).worker.kill();
      await proxy.stop();
    }
  }

  async #hire(slot: number, proxy: TcpProxy, number: number): Promise<Member> {
    const worker = await WorkerProcess.start(this.#store.params(slot, proxy.port));
    return { name: `${slot}.${number}`, slot, worker };
  }

  async #kill(slot: number): Promise<void> {
    const place = this.#place(slot);
    const { worker } = await place.member;
    const disturbance = await this.#begin("killed", slot);
    await worker.kill();
    disturbance.to = this.#clock();
    place.member = this.#hire(slot, place.proxy, place.had);
    place.had += 1;
    await place.member;
  }

  async #freeze(slot: number, forMs: number): Promise<void> {
    const { worker } = await this.at(slot);
    const disturbance = await this.#begin("frozen", slot);
    worker.freeze();
    this.#later(forMs, disturbance, () => worker.thaw());
  }

  async #silence(slot: number, forMs: number): Promise<void> {
    const { proxy } = this.#place(slot);
    const disturbance = await this.#begin("silent", slot);
    proxy.blackHole();
    this.#later(forMs, disturbance, () => proxy.heal());
  }

  async #killServer(downMs: number): Promise<void> {
    const disturbance = await this.#begin("server away");
    await this.#store.kill();
    await pass(downMs);
    await this.#store.launch();
    disturbance.to = this.#clock();
  }

  #later(delayMs: number, disturbance: Disturbance, heal: () => void): void {
    const healing = pass(delayMs).then(() => {
      heal();
      disturbance.to = this.#clock();
      this.#healing.delete(healing);
    });
    this.#healing.add(healing);
  }

  async #begin(kind: Disturbance["kind"], slot?: number): Promise<Disturbance> {
    const process = slot === undefined ? {} : { process: (await this.at(slot)).name };
    const disturbance: Disturbance = { kind, ...process, from: this.#clock(), to: Infinity };
    this.disturbances.push(disturbance);
    return disturbance;
  }

  #lookWhetherBusy(): void {
    const now = this.#clock();
    const lateMs = now - this.#lastLook - BUSY_LOOK_MS;
    if (lateMs > BUSY_MS) this.disturbances.push({ kind: "machine busy", from: this.#lastLook, to: now });
    this.#lastLook = now;
  }

  #place(slot: number): Place {
    const place = this.#places[slot];
    if (place === undefined) throw new RangeError(`There are ${this.#places.length} places, and no ${slot}`);
    return place;
  }
}
