// Bugs of a log over Redis, planted: what its scripts, or what a process makes of their answers, would do wrong.

import { stepFollower } from "../../src/engine/follower-state.ts";
import type { Plant, Send } from "./participant.ts";
import { withClaims } from "./plants.ts";
import type { Answer, Script } from "./redis-script-calls.ts";
import type { RedisScripts } from "./redis-scripts.ts";
import type { PlantedBug } from "./planted-bug.ts";

/** A script that is told something else than it was. */
function mistold(
  name: "claim" | "write" | "settle" | "stop",
  change: (script: Script, scripts: RedisScripts) => readonly string[],
): Plant {
  return {
    scripts: (scripts) => {
      const run = scripts[name].bind(scripts);
      return { [name]: (script: Script): Answer => run({ ...script, ARGV: change(script, scripts) }) };
    },
  };
}

/** A script before or after which something else happens as well. */
function around(
  name: "claim" | "write" | "settle",
  change: (run: (script: Script) => Answer, scripts: RedisScripts) => (script: Script) => Answer,
): Plant {
  return { scripts: (scripts) => ({ [name]: change(scripts[name].bind(scripts), scripts) }) };
}

/** `ARGV` with one value replaced. */
function withArgument(ARGV: readonly string[], at: number, value: string | undefined): readonly string[] {
  return ARGV.map((each, index) => (index === at ? (value ?? each) : each));
}

function field(scripts: RedisScripts, { keys }: Script, name: string): string | undefined {
  return scripts.redis.hmget(keys.record, name)[0];
}

/** Where the arguments of the scripts are. */
const EPOCH = 2;
const MODE = 2;
const FROM = 3;
const ENDED = 4;
const CHUNKS = 9;
const SUPERSEDED = 12;

export const REDIS_LOG_PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "WRITE doesn't compare epochs",
    breaks: ["G1", "G4", "G6", "G14"],
    plant: mistold("write", (script, scripts) =>
      withArgument(script.ARGV, EPOCH, field(scripts, script, "e")),
    ),
  },
  {
    name: "WRITE accepts a hole",
    breaks: ["G1", "G6", "G7", "G14"],
    from: 750,
    plant: mistold("write", (script, scripts) => {
      const n = field(scripts, script, "n");
      return Number(n) < Number(script.ARGV[FROM]) ? withArgument(script.ARGV, FROM, n) : script.ARGV;
    }),
  },
  {
    name: "WRITE accepts a repeat that has grown",
    breaks: ["G1", "G6", "G7", "G14"],
    from: 2_250,
    plant: mistold("write", (script, scripts) => {
      const n = field(scripts, script, "n");
      return Number(n) > Number(script.ARGV[FROM]) ? withArgument(script.ARGV, FROM, n) : script.ARGV;
    }),
  },
  {
    name: "the end is written without its text",
    breaks: ["G1", "G6", "G7"],
    plant: mistold("write", ({ ARGV }) => (ARGV[ENDED] === "" ? ARGV : ARGV.slice(0, CHUNKS))),
  },
  {
    name: "a write doesn't extend the lease",
    breaks: ["G1", "G3", "G4"],
    plant: around("write", (write, { redis }) => (script) => {
      const [until] = redis.hmget(script.keys.record, "l");
      const answer = write(script);
      if (until !== undefined) redis.hset(script.keys.record, "l", until);
      return answer;
    }),
  },
  {
    name: "a claim takes a live lease over",
    breaks: ["G3", "G13"],
    plant: mistold("claim", ({ ARGV }) =>
      ARGV[MODE] === "restore" ? ARGV : withArgument(ARGV, MODE, "supersede"),
    ),
  },
  {
    name: "READ takes its text before the record",
    breaks: ["G1", "G6", "G7"],
    plant: {
      send: (send) => async (words) => {
        const isRead = words[0] === "EVALSHA" && words.length === 11 && words[8] !== "0";
        if (!isRead) return send(words);
        const text = await send(words);
        const record = await send(words);
        if (!Array.isArray(text) || !Array.isArray(record)) return record;
        return [...(record as unknown[]).slice(0, 8), ...(text as unknown[]).slice(8)];
      },
    },
  },
  {
    name: "an evicted tail isn't noticed",
    breaks: ["G1", "G6", "G7", "G14"],
    from: 700,
    plant: around("write", (write, { redis }) => (script) => {
      if (redis.exists(script.keys.record) && !redis.exists(script.keys.tail))
        redis.set(script.keys.tail, "", { px: 1e9 });
      return write(script);
    }),
  },
  {
    name: "a superseded producer restores its claim over the newer one",
    breaks: ["G4", "G6", "G14"],
    plant: {
      scripts: (scripts) => {
        const claim = scripts.claim.bind(scripts);
        const write = scripts.write.bind(scripts);
        return {
          write: (script) => {
            const answer = write(script);
            return Array.isArray(answer) && answer[0] === "fenced" ? ["gone"] : answer;
          },
          claim: (script) => {
            const ARGV = withArgument(script.ARGV, SUPERSEDED, field(scripts, script, "e"));
            return claim(script.ARGV[MODE] === "restore" ? { ...script, ARGV } : script);
          },
        };
      },
    },
  },
  {
    name: "a lapsed lease looks alive",
    breaks: ["G4", "G7"],
    plant: { scripts: () => ({ remaining: (lease: number) => lease }) },
  },
  {
    name: "the open tail begins at a count of bytes",
    breaks: ["G1", "G4", "G6", "G7"],
    plant: around("write", (write, { redis }) => (script) => {
      const [before] = redis.hmget(script.keys.record, "o");
      const answer = write(script);
      const [n, o] = redis.hmget(script.keys.record, "n", "o").map(Number);
      const isMoved = o !== undefined && n !== undefined && o > Number(before ?? 0) && n > o;
      if (isMoved) redis.hset(script.keys.record, "o", String(Math.min(n, o + 1)));
      return answer;
    }),
  },
  {
    name: "all that find a producer of a Redis dead are elected",
    breaks: ["G15"],
    from: 8_200,
    plant: around("settle", (settle, { redis }) => (script) => {
      if (script.ARGV[2] === "elect") redis.hdel(script.keys.record, "u");
      return settle(script);
    }),
  },
  {
    name: "a claim deletes text that the app was still to get",
    breaks: ["G15"],
    plant: around("claim", (claim, { redis }) => (script) => {
      const answer = claim(script);
      if (answer !== null) redis.hdel(script.keys.record, "d");
      return Array.isArray(answer) ? answer.map((each, at) => (at === 2 ? "" : each)) : answer;
    }),
  },
  {
    name: "live messages of a Redis are taken for the truth",
    breaks: ["G3", "G7"],
    plant: {
      send: silentReads,
      stepFollower: (state, event) =>
        event.type === "silence" && state.isBound ? { state, effects: [] } : stepFollower(state, event),
    },
  },
  {
    name: "a producer over a Redis writes its end before its last text",
    breaks: ["G1"],
    plant: withClaims((claim) => ({
      epoch: claim.epoch,
      append: (take) => claim.append(take),
      finish: (take) =>
        claim.finish(() => {
          const slice = take();
          return { ...slice, text: "", tail: slice.from };
        }),
    })),
  },
];

/** Followers' checks aren't answered: a read without text for which nobody waits. */
function silentReads(send: Send): Send {
  return (words) => {
    const isCheck = words.length === 11 && words[8] === "0" && words[10] !== "0";
    return isCheck ? new Promise(() => undefined) : send(words);
  };
}
