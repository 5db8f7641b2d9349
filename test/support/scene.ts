// What most fault tests need: a Redis of their own, and processes that use it.

import type { ClientKind } from "./clients.ts";
import { WorkerProcess } from "./process.ts";
import { RedisServer } from "./redis-server.ts";
import type { OpenParams } from "./worker-protocol.ts";

/** Open with `await using`: its processes and its server are gone afterwards. */
export class Scene {
  readonly redis: RedisServer;
  readonly #clients: ClientKind;
  readonly #workers: WorkerProcess[] = [];

  private constructor(clients: ClientKind, redis: RedisServer) {
    this.#clients = clients;
    this.redis = redis;
  }

  static async open(clients: ClientKind): Promise<Scene> {
    return new Scene(clients, await RedisServer.start());
  }

  /** A process with a context over the scene's clients and Redis, unless told otherwise. */
  async worker(params: Partial<OpenParams> = {}): Promise<WorkerProcess> {
    const worker = await WorkerProcess.start({ clients: this.#clients, url: this.redis.url, ...params });
    this.#workers.push(worker);
    return worker;
  }

  workers(count: number, params: Partial<OpenParams> = {}): Promise<WorkerProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.worker(params)));
  }

  /** What must never happen (G7), in any process that still runs. */
  async troubles(): Promise<string[]> {
    const running = this.#workers.filter((worker) => worker.isRunning);
    const vitals = await Promise.all(running.map((worker) => worker.ask("vitals")));
    return vitals.flatMap(({ unhandledRejections, uncaughtExceptions, waitUntil }) => [
      ...unhandledRejections.map((message) => `unhandled rejection: ${message}`),
      ...uncaughtExceptions.map((message) => `uncaught exception: ${message}`),
      ...(waitUntil.rejected > 0 ? [`${waitUntil.rejected} promises given to waitUntil rejected`] : []),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker[Symbol.asyncDispose]()));
    await this.redis.stop();
  }
}
