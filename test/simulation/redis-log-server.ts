// A simulated Redis with the log's scripts: its keys, its clock, its channels, and how it restarts and fails over.

import { SCRIPTS, type ScriptName } from "../../src/transports/redis-log/scripts.ts";
import { toText } from "../../src/transports/redis-log/answers.ts";
import { keysOf } from "../../src/transports/redis-log/names.ts";
import { joinFrom, parseEntries } from "../../src/transports/redis-log/runs.ts";
import { WALL_START_MS } from "./machine.ts";
import type { Kept } from "./rows.ts";
import { RedisKeys } from "./redis-keys.ts";
import type { Answer, Script } from "./redis-script-calls.ts";
import { RedisScripts } from "./redis-scripts.ts";
import { Server } from "./server.ts";

/** A server that was never restarted has been up for longer than any lease. */
const LONG_UP_MS = -1e9;

export class RedisLogServer {
  readonly keys: RedisKeys;
  readonly scripts: RedisScripts;
  readonly channels: Server;
  /** Every claim that was granted, in order. One that a fail-over lost was granted all the same. */
  readonly claims: Array<{ key: string; epoch: number }> = [];

  readonly #now: () => number;
  readonly #hashes: ReadonlyMap<string, ScriptName>;
  readonly #kept = new Map<string, Kept>();
  /** Scripts that this server has seen the text of. */
  readonly #loaded = new Set<ScriptName>();
  #startedAt = LONG_UP_MS;
  /** How far its clock is off. */
  #skewMs = 0;

  /** @param hashes - the scripts by what EVALSHA calls them. */
  constructor(now: () => number, hashes: ReadonlyMap<string, ScriptName>) {
    this.#now = now;
    this.#hashes = hashes;
    this.channels = new Server(now);
    const time = (): number => Math.floor((WALL_START_MS + now() + this.#skewMs) * 1_000);
    this.keys = new RedisKeys(() => Math.floor(time() / 1_000));
    this.scripts = new RedisScripts({
      redis: this.keys,
      time,
      uptimeSeconds: () => Math.floor((now() - this.#startedAt) / 1_000),
      publish: (_, channel, message) => this.channels.publish(channel, message),
    });
  }

  /** A command as a client sends it: text as UTF-8, which has no halves of pairs. */
  execute(words: readonly string[]): unknown {
    const [command, first = "", second = "", ...rest] = words.map((word) => word.toWellFormed());
    if (command === "PUBLISH") return this.channels.publish(first, second);
    if (command === "XRANGE") return this.keys.xrange(first, second, rest[0] ?? "");
    if (command === "EVALSHA") {
      const name = this.#hashes.get(first);
      if (name && this.#loaded.has(name)) return this.#run(name, rest);
      throw new Error("NOSCRIPT No matching script. Please use EVAL.");
    }
    const name = [...this.#hashes.values()].find((each) => SCRIPTS[each] === first);
    if (command !== "EVAL" || !name) throw new Error("ERR The model doesn't know this command.");
    this.#loaded.add(name);
    return this.#run(name, rest);
  }

  /** What a command is called in a trace. */
  describe([command = "", first = "", ...rest]: readonly string[]): string {
    if (command === "PUBLISH") return `PUBLISH ${first}`;
    if (command === "XRANGE") return `XRANGE ${rest.join(" ")}`;
    const name = this.#hashes.get(first) ?? "with text";
    return `${command} ${name} ${rest.slice(5).join(" ").slice(0, 160)}`;
  }

  /** How far a failed stream was told to have come, and since when; absent where it never was. */
  kept(key: string, epoch: number): Kept | undefined {
    return this.#kept.get(`${epoch} ${key}`);
  }

  /** Down, without a file to start from or with one. Scripts are in no file. */
  restart({ isWiped }: { isWiped: boolean }): void {
    if (isWiped) this.keys.flush();
    this.#loaded.clear();
  }

  started(): void {
    this.#startedAt = this.#now();
  }

  /** What its replica has got so far is all that it gets. Returns how that takes over. */
  fallBehind(): (how: { skewMs: number }) => void {
    const copy = this.keys.copy();
    return ({ skewMs }) => {
      this.keys.replaceBy(copy);
      this.#loaded.clear();
      this.#skewMs = skewMs;
    };
  }

  #run(name: ScriptName, [record = "", tail = "", text = "", ...values]: readonly string[]): Answer {
    const script: Script = { keys: { record, tail, text }, ARGV: ["", ...values] };
    const answer = this.scripts[name](script);
    if (Array.isArray(answer)) {
      if (name === "claim") this.#granted(record, Number(answer[1]));
      if (name === "read" && values[2] !== "0") this.#keep(record, Number(values[1]), answer);
    }
    return answer;
  }

  #granted(key: string, epoch: number): void {
    // The same claim again: its answer was lost, or the server has lost it.
    if (!this.claims.some((claim) => claim.epoch === epoch && claim.key === key))
      this.claims.push({ key, epoch });
  }

  #keep(key: string, from: number, answer: readonly unknown[]): void {
    const [epoch, tail, openFrom, status, , , handover] = answer.slice(0, 7).map(toText);
    const open = toText(answer[9]);
    // Asked for by a command of its own, right after this.
    const entries =
      answer[8] ?? this.keys.xrange(keysOf(key).text, `${epoch}-${from + 1}`, `${epoch}-${tail}`);
    // Until the app has its text it counts as running.
    if (status !== "failed" && handover !== "") return;
    if (status !== "failed" && status !== "lost" && status !== "lapsed") return;
    const name = `${epoch} ${key}`;
    const kept = this.#kept.get(name) ?? { failedAt: this.#now(), tails: new Set<number>() };
    kept.tails.add(Number(tail));
    // Evicted text ends where it is missing.
    const last = open === "" ? undefined : { stop: Number(openFrom) + open.length, text: open };
    const text = joinFrom(from, parseEntries(entries), last);
    if (text === undefined || (text === "" && from < Number(tail))) kept.tails.add(from);
    this.#kept.set(name, kept);
  }

  /** One key of a stream goes, as an eviction or a hand takes it. */
  evict(key: string, part: keyof Script["keys"]): void {
    this.keys.del(keysOf(key)[part]);
  }
}
