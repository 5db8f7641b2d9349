// A stream on a real Redis and the same one in the model: calls of the scripts on both, and what each answers.

import fc from "fast-check";
import type { Redis } from "ioredis";
import { keyOf, keysOf } from "../../src/transports/redis-log/names.ts";
import { SCRIPTS, type ScriptName } from "../../src/transports/redis-log/scripts.ts";
import { RedisKeys } from "./redis-keys.ts";
import { RedisScripts } from "./redis-scripts.ts";

// Time passes in whole steps, and none of these is a multiple of one or of another: no comparison depends on a call's milliseconds.
const STEP_MS = 1_000_000;
const LEASE_MS = 3_600_000;
const TTL_MS = 7_300_000;
const WATCHED_MS = 2_500_000;
const ELECTED_MS = 1_500_000;
/** What calls take on a busy machine, and what clocks differ by. */
const SLACK_MS = 50_000;

const TIMES = ["l", "t", "w", "u"];
const FIELDS = ["e", "n", "o", "l", "s", "w", "p", "x", "h", "u", "d", "t", "q", "v", "k"];
const NO_EPOCH = "1";

const lease = fc.constantFrom(LEASE_MS, LEASE_MS, LEASE_MS, 0);
/** Which of the claims so far, the latest first; beyond them one that nobody has. */
const claimed = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(4));
const handovers = fc.constantFrom("", "3", "1");
const chunk = fc.record({
  op: fc.constantFrom("a", "a", "a", "s", "t", "j"),
  text: fc.string({ unit: fc.constantFrom("a", "b", "é", "語", "😀"), minLength: 1, maxLength: 9 }),
});

export const call = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("claim" as const),
      mode: fc.constantFrom("if-free", "if-absent", "supersede", "restore"),
      lease,
      handovers,
      givenUp: fc.constantFrom("0", "1"),
      request: fc.nat(5),
      askedAt: fc.constantFrom("", "never", "later"),
      epoch: claimed,
      before: claimed,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("write" as const),
      lease,
      epoch: claimed,
      off: fc.constantFrom(0, 0, 0, 0, 0, -1, 2),
      chunks: fc.array(chunk, { maxLength: 5 }),
      end: fc.constantFrom("", "", "", "", "done", "failed", "stopped"),
      handovers,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("read" as const),
      lease,
      from: fc.nat(30),
      units: fc.constantFrom(0, 3, 100),
      isBound: fc.constantFrom("0", "1"),
      keep: fc.constantFrom(0, WATCHED_MS),
    }),
  },
  fc.record({
    type: fc.constant("stop" as const),
    lease,
    reason: fc.constantFrom("1", "1:bye"),
    epoch: claimed,
    isAny: fc.boolean(),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("settle" as const),
      lease,
      op: fc.constantFrom("elect", "handed", "owed", "release"),
      argument: fc.constantFrom("0", "1"),
      epoch: claimed,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("pass" as const), steps: fc.integer({ min: 1, max: 4 }) }),
  },
  fc.record({
    type: fc.constant("drop" as const),
    part: fc.constantFrom("record" as const, "tail" as const, "text" as const),
  }),
);
export type Call = typeof call extends fc.Arbitrary<infer Each> ? Each : never;

/** What the server and the model have of the same thing: equal if the model is right. */
export interface Seen {
  real: unknown;
  model: unknown;
}

/** Until when somebody gives the text of an older claim. */
const LEASE = /:(\d{12,13}):/g;

let count = 0;

/** A stream on the server, and the same one in the model. */
export class Pair {
  readonly #keys = keysOf(keyOf("model", `${process.pid}-${Date.now()}-${count++}`));
  readonly #messages: string[] = [];
  readonly #redis = new RedisKeys(() => Date.now());
  readonly #scripts = new RedisScripts({
    redis: this.#redis,
    time: () => Date.now() * 1_000 + (this.#ticks++ % 1_000),
    uptimeSeconds: () => this.#uptimeSeconds,
    publish: (_, __, message) => this.#messages.push(message),
  });
  /** Epochs of claims so far, as the server and the model have named them. */
  readonly #claims: Array<{ real: string; model: string }> = [];
  readonly #client: Redis;
  readonly #uptimeSeconds: number;
  #ticks = 0;

  constructor(client: Redis, uptimeSeconds: number) {
    this.#client = client;
    this.#uptimeSeconds = uptimeSeconds;
  }

  /** What both answer. */
  async call(one: Call): Promise<Seen> {
    if (one.type === "pass") {
      await this.#pass(one.steps * STEP_MS);
      return { real: undefined, model: undefined };
    }
    if (one.type === "drop") {
      await this.#client.del(this.#keys[one.part]);
      this.#redis.del(this.#keys[one.part]);
      return { real: undefined, model: undefined };
    }
    const [real, model] = await this.#run(one.type, (side) => [
      String(one.lease),
      ...this.#values(one, side),
    ]);
    // A refusal is its message alone.
    if (one.type === "claim" && real !== null && real.length > 1)
      this.#granted(String(real[1]), String(model?.[1]));
    return this.#seen(real, model);
  }

  /** The keys as they are left, and what was published. Then they are deleted. */
  async left(): Promise<Seen> {
    const { record, tail, text } = this.#keys;
    const messages = `${record}:messages`;
    const real = [
      await this.#client.hmget(record, ...FIELDS),
      await this.#client.get(tail),
      await this.#client.xrange(text, "-", "+"),
      await this.#client.lrange(messages, 0, -1),
    ];
    const model = [
      this.#redis.hmget(record, ...FIELDS),
      this.#redis.get(tail),
      this.#redis.xrange(text, "0-0", `${Number.MAX_SAFE_INTEGER}-0`),
      this.#messages,
    ];
    for (const key of [record, tail, text]) {
      const expected = this.#redis.pttl(key) ?? -2;
      real.push(lifeOf(await this.#client.pttl(key)));
      model.push(lifeOf(expected === Infinity ? -1 : Math.ceil(expected)));
    }
    await this.#client.del(record, tail, text, messages);
    return this.#seen(real, model);
  }

  #values(one: Exclude<Call, { type: "pass" | "drop" }>, side: "real" | "model"): string[] {
    const epochOf = (back: number): string => this.#claims.at(-1 - back)?.[side] ?? NO_EPOCH;
    // Where messages go: to a list, which keeps them.
    const published = [`${this.#keys.record}:messages`, "RPUSH"];
    switch (one.type) {
      case "claim": {
        const askedAt = { "": "", never: "1000", later: String(Date.now() + SLACK_MS) }[one.askedAt];
        const how = [one.mode, String(TTL_MS), "inbox", one.handovers, one.givenUp, `request ${one.request}`];
        const again = [epochOf(one.epoch), epochOf(one.before)];
        return [...how, ...published, askedAt, ...(one.mode === "restore" ? again : [])];
      }
      case "write": {
        const from = Math.max(Number(this.#redis.hmget(this.#keys.record, "n")[0] ?? 0) + one.off, 0);
        let stop = from;
        const words = one.chunks.flatMap(({ op, text }) => {
          stop += text.length;
          return [op, String(stop), op === "j" ? JSON.stringify(text) : text];
        });
        return [
          epochOf(one.epoch),
          String(from),
          one.end,
          String(TTL_MS),
          one.handovers,
          ...published,
          ...words,
        ];
      }
      case "read":
        return [String(one.from), String(one.units), one.isBound, String(one.keep)];
      case "stop":
        return [one.reason, one.isAny ? "" : epochOf(one.epoch)];
      case "settle":
        return [one.op, isElection(one.op) ? String(ELECTED_MS) : one.argument, epochOf(one.epoch)];
    }
  }

  async #run(
    name: ScriptName,
    values: (side: "real" | "model") => string[],
  ): Promise<[real: unknown[] | null, model: unknown[] | null]> {
    const { record, tail, text } = this.#keys;
    const real = this.#client.eval(SCRIPTS[name], 3, record, tail, text, ...values("real")).catch(refusal);
    let model: unknown;
    try {
      model = this.#scripts[name]({ keys: this.#keys, ARGV: ["", ...values("model")] });
    } catch (error) {
      model = refusal(error);
    }
    return [(await real) as unknown[] | null, model as unknown[] | null];
  }

  #granted(real: string, model: string): void {
    if (!this.#claims.some((each) => each.real === real)) this.#claims.push({ real, model });
  }

  /** Time passes: both have their times moved back. */
  async #pass(ms: number): Promise<void> {
    const { record, tail, text } = this.#keys;
    const times = await this.#client.hmget(record, ...TIMES);
    for (const [at, name] of TIMES.entries()) {
      const [modelled] = this.#redis.hmget(record, name);
      if (times[at]) await this.#client.hset(record, name, String(Number(times[at]) - ms));
      if (modelled !== undefined) this.#redis.hset(record, name, String(Number(modelled) - ms));
    }
    const moved = (owed: string): string =>
      owed.replaceAll(LEASE, (_, till: string) => `:${Number(till) - ms}:`);
    const [real, model] = [await this.#client.hget(record, "d"), this.#redis.hmget(record, "d")[0]];
    if (real) await this.#client.hset(record, "d", moved(real));
    if (model !== undefined) this.#redis.hset(record, "d", moved(model));
    for (const key of [record, tail, text]) {
      const [ttl, modelled] = [await this.#client.pttl(key), this.#redis.pttl(key)];
      if (ttl > 0) await this.#client.pexpire(key, ttl - ms);
      if (modelled !== undefined) this.#redis.pexpire(key, modelled - ms);
    }
  }

  #seen(real: unknown, model: unknown): Seen {
    const seen = this.#labelled(real, "real");
    return { real: seen, model: withSlack(this.#labelled(model, "model"), seen) };
  }

  /** Epochs by when they were claimed, and times by how far they are from now. */
  #labelled(value: unknown, side: "real" | "model"): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#labelled(each, side));
    if (typeof value !== "string" && typeof value !== "number") return null;
    const text = String(value).replaceAll(/\d{16}/g, (epoch) => {
      const at = this.#claims.findIndex((each) => each[side] === epoch);
      return at < 0 ? "no claim" : `claim ${at}`;
    });
    if (text.search(LEASE) >= 0) {
      const isHeld = (till: string): boolean => Number(till) > Date.now();
      return text.replaceAll(LEASE, (_, till: string) => (isHeld(till) ? ":held:" : ":over:"));
    }
    // A lease of no time is over now, or was a moment ago.
    if (/^-\d{1,4}$/.test(text)) return "0";
    if (!/^-?\d{5,13}$/.test(text)) return text;
    const time = Number(text);
    // "Never watched" is as long ago as the epoch of Unix.
    if (time < -1e12) return "never";
    return time > 1e12 ? time - Date.now() : time;
  }
}

/** The model's times are the server's if they differ by no more than calls take. */
function withSlack(model: unknown, real: unknown): unknown {
  if (Array.isArray(model) && Array.isArray(real)) return model.map((each, at) => withSlack(each, real[at]));
  const isNear = typeof model === "number" && typeof real === "number" && Math.abs(model - real) < SLACK_MS;
  return isNear ? real : model;
}

/** No key, or one that lives for ever, in words: Redis has numbers for them. */
function lifeOf(ttl: number): string {
  return ttl < 0 ? `no time to live: ${ttl}` : String(ttl);
}

function refusal(error: unknown): unknown[] {
  return [error instanceof Error ? error.message.replace(/ script: .*/s, "") : String(error)];
}

function isElection(op: string): boolean {
  return op === "elect" || op === "owed";
}
