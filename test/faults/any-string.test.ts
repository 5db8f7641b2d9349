// Row: any string, as text and as id. Both contexts are in this process, over separate clients of one Redis.

import { describe, expect, it } from "vitest";
import type { MakeStream } from "../../src/api/types.ts";
import { FAULT_CLIENTS, type ClientKind } from "../support/clients.ts";
import { openContext } from "../support/contexts.ts";
import type { ErrorReport } from "../support/error-report.ts";
import { Reading, sha256 } from "../support/reading.ts";
import { RedisServer } from "../support/redis-server.ts";
import { within } from "../support/wait.ts";

const megabyte = 1_000_000;
const emoji = "👩‍🚀";

/** Each is one source's chunks. */
const texts: Record<string, string[]> = {
  "NUL and control characters": ["\0", "a\0b", "\r\n\u2028\u2029", "\u001F\u007F"],
  "a surrogate pair split over two chunks": ["up \uD83D", "\uDE80 down", "\uD83D", "\uDE80"],
  "a split pair with an empty chunk between": ["\uD83D", "", "\uDE80"],
  "lone surrogates": ["\uD800", "x", "\uDFFF", "\uDC00\uD800", "a\uD83Db"],
  "nothing at all": [],
  "empty chunks only": ["", "", ""],
  "empty chunks between others": ["", "a", "", "b", ""],
  "text that looks like JSON": [
    '{"type":"end","end":"done","offset":3}',
    "null",
    '"',
    "[]",
    '{"text":"\\ud800"}',
    "\\u0000",
  ],
  "text that looks like messages": [
    "DONE",
    "0",
    "1 2 text",
    "done:0:",
    "\u0001",
    "p 1 0\n",
    "\n\n",
    "e\n0\n",
    "end",
    "stop",
  ],
  "emoji and combining characters": [emoji, "e\u0301", "\uFEFF", "\u202E", "ﷺ", "\uFFFE\uFFFF"],
};

const ids = [
  "a\"b'c`d",
  "a:b::c",
  emoji,
  "line\nbreak\r\n\ttab",
  "x".repeat(2_000),
  "*?[a-z]\\",
  "{hash}tag",
  "with space ",
  "\0",
  "../..",
  "__proto__",
  "DONE",
];

describe.each(FAULT_CLIENTS)("any string, over %s", (kind) => {
  it.each(Object.keys(texts))("%s: comes out unit for unit, live and replayed (G10)", async (name) => {
    await using redis = await RedisServer.start();
    const chunks = texts[name] ?? [];
    expect(await pass(redis, { kind, streamId: "s", chunks })).toEqual(whole(chunks));
  });

  it("10 MB chunks come out unit for unit (G9, G10)", { timeout: 60_000 }, async () => {
    await using redis = await RedisServer.start();
    const chunks = ["a\0é", emoji, "\uD83D\uDE80 plain"].map((seed) =>
      seed.repeat((10 * megabyte) / seed.length),
    );
    expect(await pass(redis, { kind, streamId: "s", chunks })).toEqual(whole(chunks));
  });

  it("ids with quotes, colons, emoji, newlines, 2000 characters name streams of their own (G10)", async () => {
    await using redis = await RedisServer.start();
    for (const streamId of ids) {
      const chunks = [`text of ${streamId}`, "."];
      expect(await pass(redis, { kind, streamId, chunks })).toEqual(whole(chunks));
    }
  });
});

interface Passage {
  kind: ClientKind;
  streamId: string;
  chunks: string[];
}

/** A live follower, a follower of the finished text and one that starts in the middle all get exactly the text. */
async function pass(redis: RedisServer, { kind, streamId, chunks }: Passage): Promise<Outcome> {
  await using producing = await openContext({ clients: kind, url: redis.url });
  await using following = await openContext({ clients: kind, url: redis.url });
  const text = chunks.join("");
  const source = steppedSource(chunks);
  const made = await producing.context.resumableStream(streamId, source.make);
  const live = await following.context.resumeExistingStream(streamId);
  if (!made || !live) throw new Error(`"${streamId}" has no stream`);
  const [primary, follower] = [new Reading(made), new Reading(live)];

  source.giveAll();
  await primary.reached(text.length);
  const replayed = await following.context.resumeExistingStream(streamId);
  const part = await following.context.resumeExistingStream(streamId, middleOf(text));
  if (!replayed || !part) throw new Error(`"${streamId}" has no stream any more`);
  const [replay, rest] = [new Reading(replayed), new Reading(part)];
  source.close();

  const readings = [primary, follower, replay, rest];
  const ends = await Promise.all(readings.map((reading) => within(20_000, "an end", reading.ended)));
  return {
    ends: ends.map(({ kind: end }) => end),
    digests: readings.map((reading) => reading.report().sha256),
    errors: [...producing.errors, ...following.errors],
  };
}

interface Outcome {
  ends: string[];
  /** Digests, for a difference in 30 MB would be printed. */
  digests: string[];
  errors: ErrorReport[];
}

function whole(chunks: string[]): Outcome {
  const text = chunks.join("");
  const all = sha256(text);
  return {
    ends: ["clean", "clean", "clean", "clean"],
    digests: [all, all, all, sha256(text.slice(middleOf(text)))],
    errors: [],
  };
}

function middleOf(text: string): number {
  return Math.floor(text.length / 2);
}

interface SteppedSource {
  make: MakeStream;
  giveAll: () => void;
  close: () => void;
}

function steppedSource(chunks: string[]): SteppedSource {
  let controller: ReadableStreamDefaultController<string> | undefined;
  return {
    make: () => new ReadableStream<string>({ start: (given) => void (controller = given) }),
    giveAll: () => chunks.forEach((chunk) => controller?.enqueue(chunk)),
    close: () => controller?.close(),
  };
}
