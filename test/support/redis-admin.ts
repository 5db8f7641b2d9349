// What tests ask a Redis server behind the library's back: counters, keys, channels, and to cut connections.

import { createClient } from "redis";

/** A connection of the test's own. Opened on first use, and again after the server was restarted. */
export class RedisAdmin {
  readonly url: string;
  /** Absent until the first command, and after the connection was lost. */
  #client: Promise<AdminClient> | undefined;
  /** How many commands this object sent since the server's last start; not part of what a test counts. */
  #sent = 0;

  constructor(url: string) {
    this.url = url;
  }

  async command(...args: string[]): Promise<unknown> {
    const client = await this.#connected();
    this.#sent += 1;
    return client.sendCommand(args);
  }

  /** Calls of each command since the server's start, "set" or "client|kill"; without INFO, which only tests send. */
  async commandCounts(): Promise<Record<string, number>> {
    const info = String(await this.command("INFO", "commandstats"));
    const counts = [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(
      ([, name = "", calls]) => [name, Number(calls)] as const,
    );
    return Object.fromEntries(counts.filter(([name]) => name !== "info"));
  }

  /** All commands the server processed, those in scripts included, without this object's own. */
  async commandsProcessed(): Promise<number> {
    const info = String(await this.command("INFO", "stats"));
    return Number(/^total_commands_processed:(\d+)/m.exec(info)?.[1]) - this.#sent;
  }

  /** Keys that would stay for ever, by SCAN pattern. */
  async keysWithoutExpiry(pattern = "*"): Promise<string[]> {
    const keys = await this.keys(pattern);
    const lives = await Promise.all(keys.map((key) => this.command("PTTL", key)));
    // -1: no expiry; -2: gone since.
    return keys.filter((_, index) => Number(lives[index]) === -1);
  }

  async keys(pattern = "*"): Promise<string[]> {
    return strings(await this.command("KEYS", pattern)).toSorted();
  }

  /** Channels that someone is subscribed to. */
  async pubsubChannels(pattern = "*"): Promise<string[]> {
    return strings(await this.command("PUBSUB", "CHANNELS", pattern)).toSorted();
  }

  /** Cuts every connection that is subscribed to something; returns how many. */
  async killPubSubConnections(): Promise<number> {
    return Number(await this.command("CLIENT", "KILL", "TYPE", "pubsub"));
  }

  /** Cuts every connection but this object's; returns how many. */
  async killConnections(): Promise<number> {
    const killed = await Promise.all([
      this.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
      this.killPubSubConnections(),
    ]);
    return killed.reduce<number>((sum, count) => sum + Number(count), 0);
  }

  /** Lets go of the connection. The next command opens another. */
  disconnect(): void {
    const connecting = this.#client;
    this.#client = undefined;
    this.#sent = 0;
    connecting?.then(
      (client) => void (client.isOpen && client.destroy()),
      // It never was open, and whoever asked was told.
      () => undefined,
    );
  }

  #connected(): Promise<AdminClient> {
    this.#client ??= this.#connect();
    return this.#client;
  }

  async #connect(): Promise<AdminClient> {
    const client = adminClient(this.url);
    // Which comes with the loss of the connection: the next command connects anew.
    client.on("error", () => {
      this.#client = undefined;
    });
    await client.connect();
    return client;
  }
}

type AdminClient = ReturnType<typeof adminClient>;

function adminClient(url: string) {
  return createClient({ url, disableClientInfo: true, socket: { reconnectStrategy: false } });
}

function strings(reply: unknown): string[] {
  if (!Array.isArray(reply))
    throw new TypeError(`Redis answered with ${typeof reply} where a list was expected`);
  return reply.map(String);
}
