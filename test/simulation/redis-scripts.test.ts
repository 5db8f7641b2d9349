// The simulator's model of the five scripts against the scripts themselves on a real Redis: the same calls, the same answers.

import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
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
/** The same for `closeTo`: half of 10 to the power of 5. */
const SLACK_DIGITS = -5;

const TIMES = ["l", "t", "w", "u"];
const NO_EPOCH = "1";

const lease = fc.constantFrom(LEASE_MS, LEASE_MS, LEASE_MS, 0);
/** Which of the claims so far, the latest first; beyond them one that nobody has. */
const claimed = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(4));
const handovers = fc.constantFrom("", "3", "1");
const chunk = fc.record({
  op: fc.constantFrom("a", "a", "a", "s", "t", "j"),
  text: fc.string({ unit: fc.constantFrom("a", "b", "é", "語", "😀"), minLength: 1, maxLength: 9 }),
});

const call = fc.oneof(
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
type Call = typeof call extends fc.Arbitrary<infer Each> ? Each : never;

let client: Redis;
let uptimeSeconds = 0;
let count = 0;

beforeAll(async () => {
  client = new Redis(inject("redisUrl"));
  uptimeSeconds = Number(/uptime_in_seconds:(\d+)/.exec(await client.info("server"))?.[1]);
});
afterAll(() => client.disconnect());

it("the model of the scripts answers what the scripts answer, and leaves what they leave", async () => {
  const calls = fc.array(call, { minLength: 10, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(calls, async (each) => {
      const pair = new Pair();
      for (const one of each) await pair.call(one);
      await pair.compare();
    }),
    { numRuns: 400 },
  );
});

/** A stream on the server, and the same one in the model. */
class Pair {
  readonly #keys = keysOf(keyOf("model", `${process.pid}-${Date.now()}-${count++}`));
  readonly #messages: string[] = [];
  readonly #redis = new RedisKeys(() => Date.now());
  readonly #scripts = new RedisScripts({
    redis: this.#redis,
    time: () => Date.now() * 1_000 + (this.#ticks++ % 1_000),
    uptimeSeconds: () => uptimeSeconds,
    publish: (_, __, message) => this.#messages.push(message),
  });
  /** Epochs of claims so far, as the server and the model have named them. */
  readonly #claims: Array<{ real: string; model: string }> = [];
  #ticks = 0;

  async call(one: Call): Promise<void> {
    switch (one.type) {
      case "pass":
        return this.#pass(one.steps * STEP_MS);
      case "drop":
        await client.del(this.#keys[one.part]);
        this.#redis.del(this.#keys[one.part]);
        return;
      default: {
        const [real, model] = await this.#run(one.type, (side) => [
          String(one.lease),
          ...this.#values(one, side),
        ]);
        if (one.type === "claim" && real !== null) this.#granted(String(real[1]), String(model?.[1]));
        expect(this.#labelled(model, "model"), JSON.stringify(one)).toEqual(this.#labelled(real, "real"));
      }
    }
  }

  /** The keys as they are left, and what was published. */
  async compare(): Promise<void> {
    const { record, tail, text } = this.#keys;
    const names = [..."enolswpxhudtqvk"];
    const fields = await client.hmget(record, ...names);
    const modelled = this.#redis.hmget(record, ...names).map((value) => value ?? null);
    const real = [fields, await client.get(tail), await client.xrange(text, "-", "+")];
    const model = [
      modelled,
      this.#redis.get(tail) ?? null,
      this.#redis.xrange(text, "0-0", `${Number.MAX_SAFE_INTEGER}-0`),
    ];
    expect(this.#labelled(model, "model")).toEqual(this.#labelled(real, "real"));
    const messages = await client.lrange(`${record}:messages`, 0, -1);
    expect(this.#labelled(this.#messages, "model")).toEqual(this.#labelled(messages, "real"));
    for (const key of [record, tail, text]) {
      const ttl = await client.pttl(key);
      const expected = this.#redis.pttl(key) ?? -2;
      expect(Math.abs((expected === Infinity ? -1 : expected) - ttl), key).toBeLessThan(SLACK_MS);
    }
    await client.del(record, tail, text, `${record}:messages`);
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
        return [one.op, one.op === "elect" ? String(ELECTED_MS) : one.argument, epochOf(one.epoch)];
    }
  }

  async #run(
    name: ScriptName,
    values: (side: "real" | "model") => string[],
  ): Promise<[real: unknown[] | null, model: unknown[] | null]> {
    const { record, tail, text } = this.#keys;
    const real = client.eval(SCRIPTS[name], 3, record, tail, text, ...values("real")).catch(refusal);
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
    const times = await client.hmget(record, ...TIMES);
    for (const [at, name] of TIMES.entries()) {
      const [modelled] = this.#redis.hmget(record, name);
      if (times[at]) await client.hset(record, name, String(Number(times[at]) - ms));
      if (modelled !== undefined) this.#redis.hset(record, name, String(Number(modelled) - ms));
    }
    for (const key of [record, tail, text]) {
      const [ttl, modelled] = [await client.pttl(key), this.#redis.pttl(key)];
      if (ttl > 0) await client.pexpire(key, ttl - ms);
      if (modelled !== undefined) this.#redis.pexpire(key, modelled - ms);
    }
  }

  /** Epochs by when they were claimed, times by how far they are from now, which may differ a little: the rest has to be equal. */
  #labelled(value: unknown, side: "real" | "model"): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#labelled(each, side));
    if (value === null || value === undefined) return null;
    const text = String(value).replaceAll(/\d{16}/g, (epoch) => {
      const at = this.#claims.findIndex((each) => each[side] === epoch);
      return at < 0 ? "no claim" : `claim ${at}`;
    });
    // A lease of no time is over now, or was a moment ago.
    if (/^-\d{1,4}$/.test(text)) return "0";
    if (!/^-?\d{5,13}$/.test(text)) return text;
    const time = Number(text);
    // "Never watched" is as long ago as the epoch of Unix.
    if (time < -1e12) return "never";
    const offset = time > 1e12 ? time - Date.now() : time;
    return side === "real" ? (expect.closeTo(offset, SLACK_DIGITS) as unknown) : offset;
  }
}

function refusal(error: unknown): unknown[] {
  return [error instanceof Error ? error.message.replace(/ script: .*/s, "") : String(error)];
}
