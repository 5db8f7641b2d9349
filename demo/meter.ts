// Counts what is asked of Redis: the processes that stream connect to Redis through it.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface Meter {
  /** The address that the processes connect to, in place of Redis. */
  url: string;
  /** Counts for this answer from now on. */
  count: (id: string) => void;
  commandsFor: (id: string) => number;
}

const UUID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g;

export async function startMeter(redisUrl: string): Promise<Meter> {
  const redis = new URL(redisUrl);
  const tally = new Tally();
  const server = createServer((client) => {
    const upstream = reach(redis);
    const read = commandReader();
    client.on("data", (data) => {
      for (const command of read(data)) tally.add(command);
    });
    join(client, upstream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = new URL(redis);
  near.protocol = "redis:";
  near.hostname = "127.0.0.1";
  near.port = String((server.address() as AddressInfo).port);
  return { url: near.href, count: (id) => tally.count(id), commandsFor: (id) => tally.of(id) };
}

/**
 * Commands by answer. A command names its answer, or a follower's channel, which is known by the request that named both. One
 * that names neither keeps a connection.
 */
class Tally {
  readonly #counts = new Map<string, number>();
  /** The answer that a follower asked for last. */
  readonly #answers = new Map<string, string>();
  /** Commands for a follower that hasn't asked yet. */
  readonly #early = new Map<string, number>();

  count(id: string): void {
    this.#counts.set(id, this.of(id));
  }

  of(id: string): number {
    return this.#counts.get(id) ?? 0;
  }

  add(command: string): void {
    const names = command.match(UUID) ?? [];
    const id = names.find((name) => this.#counts.has(name));
    const followers = names.filter((name) => name !== id);
    if (id !== undefined) {
      this.#raise(this.#counts, id, 1);
      for (const follower of followers) {
        this.#answers.set(follower, id);
        this.#raise(this.#counts, id, this.#early.get(follower) ?? 0);
        this.#early.delete(follower);
      }
      return;
    }
    const [follower] = followers;
    if (follower === undefined) return;
    const answer = this.#answers.get(follower);
    if (answer === undefined) this.#raise(this.#early, follower, 1);
    else this.#raise(this.#counts, answer, 1);
  }

  #raise(counts: Map<string, number>, name: string, by: number): void {
    counts.set(name, (counts.get(name) ?? 0) + by);
  }
}

function reach({ protocol, hostname, port }: URL): Socket {
  const place = { host: hostname, port: Number(port || 6379) };
  return protocol === "rediss:" ? connectTls({ ...place, servername: hostname }) : connect(place);
}

/** Each side gets what the other sends, and goes with the other. */
function join(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  for (const [side, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    side.on("error", () => peer.destroy());
    side.on("close", () => peer.destroy());
  }
}

/** Takes what a client sends, in any pieces, and gives the commands that are whole by then. */
function commandReader(): (data: Buffer) => string[] {
  let held = Buffer.alloc(0);
  return (data) => {
    held = Buffer.concat([held, data]);
    const commands: string[] = [];
    for (let length = commandLength(held); length !== undefined; length = commandLength(held)) {
      commands.push(held.toString("latin1", 0, length));
      held = held.subarray(length);
    }
    return commands;
  };
}

/** A command is an array of strings: `*2\r\n$3\r\nGET\r\n$1\r\na\r\n`. Undefined while some of it is missing. */
function commandLength(data: Buffer): number | undefined {
  const array = numberAt(data, 0);
  if (!array) return undefined;
  let at = array.end;
  for (let part = 0; part < array.value; part++) {
    const size = numberAt(data, at);
    if (!size) return undefined;
    at = size.end + size.value + 2;
  }
  return at <= data.length ? at : undefined;
}

/** The number on the line that starts there, after its first character. */
function numberAt(data: Buffer, start: number): { value: number; end: number } | undefined {
  const end = data.indexOf("\r\n", start);
  return end < 0 ? undefined : { value: Number(data.toString("latin1", start + 1, end)), end: end + 2 };
}
