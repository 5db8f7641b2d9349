// Row: garbage, and hostile JSON, on every channel. Both contexts are in this process, over separate clients.

import { describe, expect, it } from "vitest";
import { FAULT_CLIENTS, type ClientKind } from "../support/clients.ts";
import { openContext, type OpenedContext } from "../support/contexts.ts";
import { Reading } from "../support/reading.ts";
import { RedisServer } from "../support/redis-server.ts";
import { SpecifiedSource, sourceText, type SourceSpec } from "../support/source.ts";
import { until, within } from "../support/wait.ts";

const garbage = [
  "",
  " ",
  "\n",
  "garbage",
  "\0\uFFFD",
  "null",
  "true",
  "0",
  "-1e999",
  '""',
  "[]",
  "[[[[[[",
  "{}",
  "{".repeat(100_000),
  "x".repeat(1_000_000),
  '{"__proto__":{"type":"read"},"constructor":{"prototype":{"polluted":1}}}',
  '{"type":null}',
  '{"type":"__proto__"}',
  '{"type":"read"}',
  '{"type":"read","listenerId":"x","requestId":-1,"from":-5,"maxUnits":1e308,"keepMs":"long"}',
  '{"type":"read","listenerId":{"toString":"x"},"requestId":1,"from":0,"maxUnits":1,"keepMs":1}',
  `{"type":"read","listenerId":"${"x".repeat(1_000)}","requestId":1,"from":0,"maxUnits":1,"keepMs":1}`,
  '{"type":"stop"}',
  '{"type":"stop","listenerId":"../..","requestId":1.5,"keepMs":1}',
  '{"type":"leave","listenerId":["a"]}',
  '{"type":"check","listenerId":"a","requestId":1,"keepMs":null,"since":0,"count":0,"sum":0}',
  '{"type":"fence","epoch":-1}',
  '{"type":"fence","epoch":"9"}',
  "rs1",
  "rs1 t\n",
  "rs1 t 5 1 - 0 5 done hello",
  "rs1 t 20 1 - 0 3 done\nlonger than the tail",
  "rs1 t 5 1 - 0 9 done\nhell",
  "rs1 t 5 1 - 0 9 done\nhello\n",
  "rs1 t 5 99999999999999999999 - 0 5 done\nhello",
  "rs1 j 9 1 - 0 5 -\n{not json",
  "rs1 j 1 1 - 0 5 -\n5",
  "rs2 t 5 1 - 0 5 done\nhello",
  "rs1 t 1 - 0 5 lost\nhello",
];

/** Well-formed, and from nobody who has a say: a producer that never was, an answer nobody asked for. */
const forged = [
  "rs1 t 5 1 - 0 5 done\nhello",
  "rs1 t 0 0 - 0 0 done\n",
  "rs1 t 5 9007199254740991 - 0 5 done\nhello",
  "rs1 t 0 9007199254740991 - 0 0 failed\n",
  "rs1 t 5 9007199254740991 987654321 0 5 stopped\nhello",
  'rs1 j 8 1 - 0 1 done\n"\\ud800"',
];

/** Well-formed requests that ask for too much. They may be served; they must do no harm. */
const greedy = [
  '{"type":"read","listenerId":"nobody","requestId":1,"from":9007199254740991,"maxUnits":9007199254740991,"keepMs":1e300}',
  '{"type":"read","listenerId":"nobody","requestId":2,"from":0,"maxUnits":9007199254740991,"epoch":1,"keepMs":-5}',
  '{"type":"read","listenerId":"nobody","requestId":3,"from":0,"maxUnits":0,"keepMs":0}',
  '{"type":"leave","listenerId":"somebody-else"}',
  '{"type":"leave","listenerId":"never-seen"}',
  '{"type":"fence","epoch":0}',
];

const strangeChecks = [
  '{"type":"check","listenerId":"nobody","requestId":1,"keepMs":1e300,"since":0,"count":9007199254740991,"sum":0}',
  '{"type":"check","listenerId":"nobody","requestId":1,"keepMs":1,"since":9007199254740991,"count":0,"sum":0}',
];
const strangeAnswers = [
  "rs1 a 0 0 1 9007199254740991 0 -\n",
  "rs1 c 23 0 1 9007199254740991 9007199254740991 -\n1 9007199254740991 done",
  "rs1 c 8 0 987654321 1 1 -\n1 5 done",
];

const spec: SourceSpec = { label: "attacked", chunks: 60, everyMs: 5, holdAfter: 30 };
const malformed = { code: "MALFORMED_MESSAGE" };

describe.each(FAULT_CLIENTS)("hostile messages, over %s", (kind) => {
  it("garbage on the producer's channel is ignored, with one onError (G1, G7)", async () => {
    await using attack = await Attack.open(kind);
    await attack.publish("*:request:*", garbage);
    expect(await attack.finish()).toEqual(attack.unharmed);
    expect(attack.producing.errors).toMatchObject([malformed]);
    expect(attack.following.errors).toEqual([]);
  });

  it("garbage on the followers' channel is ignored, with one onError (G1, G7)", async () => {
    await using attack = await Attack.open(kind);
    await attack.publish("*:live:*", garbage);
    expect(await attack.finish()).toEqual(attack.unharmed);
    expect(attack.following.errors).toMatchObject([malformed]);
    expect(attack.producing.errors).toEqual([]);
  });

  it("garbage in a follower's inbox is ignored, with one onError (G1, G7)", async () => {
    await using attack = await Attack.open(kind);
    await attack.publish("*:chunk:*", garbage);
    expect(await attack.finish()).toEqual(attack.unharmed);
    expect(attack.following.errors).toMatchObject([malformed]);
    expect(attack.producing.errors).toEqual([]);
  });

  it("frames of producers that never were change no text and end nothing (G1, G5)", async () => {
    await using attack = await Attack.open(kind);
    await attack.publish("*:live:*", forged);
    await attack.publish("*:chunk:*", forged);
    expect(await attack.finish()).toEqual(attack.unharmed);
    expect(attack.errors).toEqual([]);
  });

  it("garbage on a process's channel for checks is ignored, with one onError (G1, G7)", async () => {
    await using attack = await Attack.open(kind);
    await attack.publish("*:check:*", [...garbage, ...greedy]);
    expect(await attack.finish()).toEqual(attack.unharmed);
    expect(attack.producing.errors).toMatchObject([malformed]);
    expect(attack.following.errors).toEqual([]);
  });

  it("checks by a stranger, and answers to checks that nobody asked, do no harm (G1, G4)", async () => {
    await using attack = await Attack.open(kind);
    await attack.publish("*:check:*", strangeChecks);
    await attack.publish("*:chunk:*", strangeAnswers);
    expect(await attack.finish()).toEqual(attack.unharmed);
    expect(attack.errors).toEqual([]);
  });

  it("requests that ask for too much do no harm (G1, G9)", async () => {
    await using attack = await Attack.open(kind);
    await attack.publish("*:request:*", greedy);
    expect(await attack.finish()).toEqual(attack.unharmed);
    expect(attack.errors).toEqual([]);
  });

  it(
    "a record that is none of ours is an answer or an error, never a hang (G7)",
    { timeout: 60_000 },
    async () => {
      await using attack = await Attack.open(kind);
      const { context } = attack.following;
      const values = ["garbage", "-1", "1e999", "{}", "true", ""];
      const asked = values.map(async (value) => {
        const streamId = `record ${value}`;
        await attack.redis.command("SET", `resumable-stream:rs:sentinel:${streamId}`, value);
        return Promise.allSettled([
          context.hasExistingStream(streamId),
          context.resumeExistingStream(streamId),
          context.stopStream(streamId),
        ]);
      });
      const answers = await within(15_000, "three answers each", Promise.all(asked));
      expect(answers).toHaveLength(values.length);
      expect(await attack.finish()).toEqual(attack.unharmed);
    },
  );
});

/** A followed stream in its middle, which an attack comes upon. */
class Attack {
  readonly redis: RedisServer;
  readonly producing: OpenedContext;
  readonly following: OpenedContext;
  readonly unharmed = {
    ends: ["clean", "clean", "clean"],
    texts: Array.from({ length: 3 }, () => sourceText(spec)),
  };
  readonly #source: SpecifiedSource;
  readonly #readings: Reading[];

  private constructor(
    redis: RedisServer,
    contexts: OpenedContext[],
    source: SpecifiedSource,
    readings: Reading[],
  ) {
    const [producing, following] = contexts;
    if (producing === undefined || following === undefined)
      throw new TypeError("An attack needs two contexts");
    this.redis = redis;
    this.producing = producing;
    this.following = following;
    this.#source = source;
    this.#readings = readings;
  }

  static async open(kind: ClientKind): Promise<Attack> {
    const redis = await RedisServer.start();
    const producing = await openContext({ clients: kind, url: redis.url });
    const following = await openContext({ clients: kind, url: redis.url });
    const source = new SpecifiedSource(spec);
    const streams = [
      await producing.context.resumableStream("s", source.make),
      await following.context.resumeExistingStream("s"),
    ];
    const readings = streams.map(readingOf);
    await Promise.all(readings.map((reading) => reading.reached(100)));
    return new Attack(redis, [producing, following], source, readings);
  }

  get errors(): unknown[] {
    return [...this.producing.errors, ...this.following.errors];
  }

  /** To every channel of the pattern there is, which must be at least one. */
  async publish(pattern: string, messages: string[]): Promise<void> {
    const channels = await until(
      async () => {
        const found = await this.redis.pubsubChannels(pattern);
        return found.length > 0 ? found : undefined;
      },
      { what: `a channel like ${pattern}` },
    );
    for (const channel of channels) {
      for (const message of messages) await this.redis.command("PUBLISH", channel, message);
    }
  }

  /** Lets the source run to its end, with one more follower. */
  async finish(): Promise<{ ends: string[]; texts: string[] }> {
    const late = readingOf(await this.following.context.resumeExistingStream("s"));
    this.#source.release();
    const readings = [...this.#readings, late];
    const ends = await within(20_000, "three ends", Promise.all(readings.map((reading) => reading.ended)));
    return { ends: ends.map(({ kind }) => kind), texts: readings.map(({ text }) => text) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#source.release();
    await this.producing[Symbol.asyncDispose]();
    await this.following[Symbol.asyncDispose]();
    await this.redis.stop();
  }
}

function readingOf(stream: ReadableStream<string> | null | undefined): Reading {
  if (!stream) throw new Error("There is no stream");
  return new Reading(stream);
}
