// What most fault tests need: a server of their own, and processes that use it.

import { Client } from "pg";
import type { ClientKind } from "./clients.ts";
import { PostgresServer, type PostgresServerOptions } from "./postgres-server.ts";
import { setUpTables } from "./postgres-tables.ts";
import { WorkerProcess } from "./process.ts";
import type { RedisCluster } from "./redis-cluster.ts";
import { RedisServer, type RedisServerOptions } from "./redis-server.ts";
import type { OpenParams, PlainOptions, RedisClients, Vitals } from "./worker-protocol.ts";

interface SceneServer {
  url: string;
  stop: () => Promise<void>;
}

/** Processes around one server. Open with `await using`: all are gone afterwards. */
class ServerScene<Server extends SceneServer> {
  protected readonly server: Server;
  readonly #clients: RedisClients | "postgres";
  readonly #options: PlainOptions;
  readonly #workers: WorkerProcess[] = [];

  protected constructor(clients: RedisClients | "postgres", server: Server, options: PlainOptions = {}) {
    this.#clients = clients;
    this.server = server;
    this.#options = options;
  }

  /** A process with a context over the scene's clients and server, unless told otherwise. */
  async worker(params: Partial<OpenParams> = {}): Promise<WorkerProcess> {
    const options = { ...this.#options, ...params.options };
    const common = { clients: this.#clients, url: this.server.url };
    const worker = await WorkerProcess.start({ ...common, ...params, options });
    this.#workers.push(worker);
    return worker;
  }

  workers(count: number, params: Partial<OpenParams> = {}): Promise<WorkerProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.worker(params)));
  }

  /** What must never happen (G7), in any process that still runs. */
  async troubles(): Promise<string[]> {
    const vitals = await this.vitals();
    return vitals.flatMap(({ unhandledRejections, uncaughtExceptions, waitUntil }) => [
      ...unhandledRejections.map((message) => `unhandled rejection: ${message}`),
      ...uncaughtExceptions.map((message) => `uncaught exception: ${message}`),
      ...(waitUntil.rejected > 0 ? [`${waitUntil.rejected} promises given to waitUntil rejected`] : []),
    ]);
  }

  protected vitals(): Promise<Vitals[]> {
    const running = this.#workers.filter((worker) => worker.isRunning);
    return Promise.all(running.map((worker) => worker.ask("vitals")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker[Symbol.asyncDispose]()));
    await this.server.stop();
  }
}

export class Scene extends ServerScene<RedisServer> {
  static async open(clients: ClientKind): Promise<Scene> {
    return new Scene(clients, await RedisServer.start());
  }

  /** Contexts that keep the text. */
  static async keeping(clients: ClientKind, server?: RedisServerOptions): Promise<Scene> {
    return new Scene(clients, await RedisServer.start(server), { keepText: true });
  }

  get redis(): RedisServer {
    return this.server;
  }
}

/** Processes around a cluster that several tests share: it takes seconds to form, and isn't stopped with the scene. */
export class ClusterScene extends ServerScene<SceneServer> {
  constructor(clients: RedisClients, { url }: RedisCluster) {
    super(clients, { url, stop: () => Promise.resolve() });
  }

  /** What the library told `onError`, in any process that still runs. */
  async errors(): Promise<string[]> {
    const vitals = await this.vitals();
    return vitals.flatMap(({ errors }) => errors.map(({ message }) => message));
  }
}

export class PostgresScene extends ServerScene<PostgresServer> {
  /** With the tables set up. */
  static async open(options?: PostgresServerOptions): Promise<PostgresScene> {
    const server = await PostgresServer.start(options);
    await setUpTables(server.url);
    return new PostgresScene("postgres", server);
  }

  get postgres(): PostgresServer {
    return this.server;
  }

  /** Runs SQL, and gives its rows. */
  async query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.server.url });
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, unknown>>(text, values);
      return rows;
    } finally {
      await client.end();
    }
  }

  /** The server's address behind a proxy. */
  via({ port }: { port: number }): string {
    return this.server.url.replace(`:${this.server.port}/`, `:${port}/`);
  }
}
