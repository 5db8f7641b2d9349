// The five scripts of the log over Redis, line by line as they are in Lua: names, order and decisions are those of
// src/transports/redis-log/scripts.ts, so that the two can be read side by side. A test holds them against a real server.

import { MAX_HANDOVERS } from "../../src/transports/log/handovers.ts";
import type { ScriptName } from "../../src/transports/redis-log/scripts.ts";
import type { RedisKeys, StreamEntry } from "./redis-keys.ts";
import type { Answer, RedisServerPorts, RunScript, Script } from "./redis-script-calls.ts";

export class RedisScripts implements Record<ScriptName, RunScript> {
  readonly #server: RedisServerPorts;

  constructor(server: RedisServerPorts) {
    this.#server = server;
  }

  get redis(): RedisKeys {
    return this.#server.redis;
  }

  get now(): number {
    return Math.floor(this.#server.time() / 1_000);
  }

  remaining(lease: number, leaseEnd: string | undefined): number {
    const left = Number(leaseEnd) - this.now;
    if (left > 0) return left;
    const uptime = this.#server.uptimeSeconds();
    const grace = Math.max(lease, 5_000) + 1_000;
    if (uptime * 1000 < grace) return grace - uptime * 1000;
    return left;
  }

  claim({ keys: { record, tail, text }, ARGV }: Script): Answer {
    const { now, redis } = this;
    const lease = Number(ARGV[1]);
    const [
      ,
      ,
      mode,
      ttl = "",
      inbox = "",
      handovers = "",
      givenUp,
      request = "",
      channel = "",
      publish = "",
      askedAt = "",
    ] = ARGV;
    const was = ["", ...redis.hmget(record, "e", "s", "l", "h", "u", "d", "p", "n", "o", "q", "v", "k")];
    const before = was[1];
    if (before && was[10] === request && !was[2])
      return [whole(now), before, was[6] ?? "", "1", "", was[11] ?? ""];
    const isOwed = Number(was[4] ?? 0) > 0;
    if (before) {
      if (mode === "restore") {
        if (before !== ARGV[12]) return null;
      } else {
        const at = Number(before) / 1000;
        if (askedAt !== "" && at > Number(askedAt) && at <= now + 1) return null;
        const isLive = !was[2] && this.remaining(lease, was[3]) > 0;
        const isHandedOver = Number(was[5] ?? 0) > now || isOwed;
        if (handovers !== "" && givenUp !== "1" && !isLive && isHandedOver) return null;
        if (mode === "if-absent") return null;
        if (mode === "if-free" && (isLive || was[2] === "done" || was[2] === "stopped")) return null;
      }
    }
    let epoch = ARGV[11] ?? "";
    if (mode !== "restore") epoch = whole(Math.max(this.#server.time(), Number(before ?? 0) + 1));
    let owed = was[6] ?? "";
    if (isOwed && before) {
      owed = owed === "" ? before : `${owed} ${before}`;
      const [n, o] = [Number(was[8]), Number(was[9])];
      if (n > o || n === 0)
        redis.xadd(text, `${before}-${was[8]}`, "t", (n > o ? redis.get(tail) : undefined) ?? "");
    } else if (owed === "") {
      redis.del(text);
    }
    redis.del(record);
    redis.hset(
      record,
      "e",
      epoch,
      "n",
      "0",
      "o",
      "0",
      "l",
      whole(now + lease),
      "t",
      whole(now + Number(ttl)),
    );
    redis.hset(record, "p", inbox, "q", request, "v", before ?? "");
    if (handovers !== "") redis.hset(record, "h", handovers);
    if (owed !== "") redis.hset(record, "d", owed);
    if (before) redis.hset(record, "k", `${before} ${was[12] ?? ""}`.slice(0, MAX_KNOWN));
    redis.pexpire(record, Number(ttl));
    redis.set(tail, "", { px: Number(ttl) });
    redis.pexpire(text, Number(ttl));
    if (before || mode === "restore") this.#server.publish(publish, channel, `${epoch} 0 0 - t\n`);
    return [whole(now), epoch, owed, before ? "1" : "0", (was[2] ? "" : was[7]) ?? "", before ?? ""];
  }

  write({ keys: { record, tail, text }, ARGV }: Script): Answer {
    const { now, redis } = this;
    const lease = Number(ARGV[1]);
    const [, , epoch = "", from, ended = "", ttlText, handovers = "", channel = "", publish = ""] = ARGV;
    const ttl = Number(ttlText);
    const is = ["", ...redis.hmget(record, "e", "n", "o", "l", "s", "w", "x", "t")];
    if (!is[1]) return ["gone"];
    if (is[1] !== epoch) return ["fenced", is[1]];
    if (is[5]) {
      if (is[5] === ended) return ["ok", whole(now), "0"];
      return ["fenced", is[1]];
    }
    let [n, o] = [Number(is[2]), Number(is[3])];
    let sealed = o;
    if (!redis.exists(tail)) {
      redis.set(tail, "", { px: Math.max(Number(is[8]) - now, 1) });
      n = o;
      redis.hset(record, "n", whole(n));
    }
    if (o > 0 && !redis.exists(text)) {
      [n, o, sealed] = [0, 0, 0];
      redis.set(tail, "", "keepttl");
      redis.hset(record, "n", "0", "o", "0");
    }
    if (n !== Number(from)) return ["at", whole(n), String(redis.strlen(tail))];
    const seal = (): void => {
      if (n === o) return;
      redis.xadd(text, `${epoch}-${whole(n)}`, "t", redis.get(tail) ?? "");
      redis.set(tail, "", "keepttl");
      o = n;
    };
    const isWatched = Number(is[6] ?? 0) > now;
    const messages: string[] = [];
    for (let at = 9; at < ARGV.length; at += 3) {
      const [op = "", stop = "", chunk = ""] = ARGV.slice(at, at + 3);
      if (isWatched) {
        const last = at + 3 >= ARGV.length && ended !== "" ? ended : "-";
        messages.push(`${epoch} ${whole(n)} ${stop} ${last}${op === "j" ? " j\n" : " t\n"}${chunk}`);
      }
      if (op !== "a") seal();
      n = Number(stop);
      if (op === "a" || op === "s") {
        redis.append(tail, chunk);
      } else {
        redis.xadd(text, `${epoch}-${stop}`, op, chunk);
        o = n;
      }
    }
    const fields = ["n", whole(n)];
    if (o !== sealed) fields.push("o", whole(o));
    if (Number(is[4]) - now < (lease * 7) / 8) fields.push("l", whole(now + lease));
    let expires = Number(is[8]);
    if (ended !== "" || expires - now < ttl / 2) {
      expires = now + ttl;
      fields.push("t", whole(expires));
      redis.pexpire(record, ttl);
      redis.pexpire(tail, ttl);
      redis.pexpire(text, ttl);
    } else if (sealed === 0 && o > 0) {
      redis.pexpire(text, Math.max(expires - now, 1));
    }
    if (ended !== "") {
      fields.push("s", ended);
      if (handovers === "") redis.hdel(record, "h");
      else fields.push("h", handovers);
      if (n === o) redis.del(tail);
      if (isWatched && messages.length === 0) messages.push(`${epoch} ${whole(n)} ${whole(n)} ${ended} t\n`);
    }
    redis.hset(record, ...fields);
    for (const message of messages) this.#server.publish(publish, channel, message);
    return ["ok", whole(now), isWatched ? "1" : "0", is[7] ?? null];
  }

  read({ keys: { record, tail, text }, ARGV }: Script): Answer {
    const { now, redis } = this;
    const lease = Number(ARGV[1]);
    const is = ["", ...redis.hmget(record, "e", "n", "o", "l", "s", "w", "h", "u", "p")];
    if (!is[1]) return null;
    const [from, units, keep] = [Number(ARGV[2]), Number(ARGV[3]), Number(ARGV[5])];
    let [status, left] = [is[5], 0];
    if (!status) {
      left = this.remaining(lease, is[4]);
      status = left > 0 ? "running" : "lapsed";
    }
    const isDue = Number(is[7] ?? 0) > 0 && status !== "running";
    const handover = Number(is[8] ?? 0) > now ? "running" : isDue ? "due" : "";
    let watched = Number(is[6] ?? 0) - now;
    let inbox = "";
    if (keep > 0 && status === "running" && watched < keep / 2) {
      redis.hset(record, "w", whole(now + keep));
      if (watched <= 0) inbox = is[9] ?? "";
      watched = keep;
    }
    let entries: StreamEntry[] | null = [];
    let open = "";
    if (units > 0 && (ARGV[4] === "1" || (status !== "done" && status !== "stopped"))) {
      const [n, o] = [Number(is[2]), Number(is[3])];
      if (from + units <= o) {
        entries = null;
      } else if (from < o) {
        entries = redis.xrange(text, `${is[1]}-${whole(from + 1)}`, `${is[1]}-${whole(o)}`);
      }
      if (n > o && from + units > o) open = redis.get(tail) ?? "";
    }
    const [epoch, n = null, o = null] = is.slice(1);
    return [
      epoch ?? null,
      n,
      o,
      status,
      whole(left),
      whole(watched),
      handover,
      inbox,
      entries,
      open,
      whole(now),
    ];
  }

  stop({ keys: { record }, ARGV }: Script): Answer {
    const is = ["", ...this.redis.hmget(record, "e", "s", "p")];
    if (!is[1] || is[2]) return null;
    if (ARGV[3] !== "" && ARGV[3] !== is[1]) return null;
    this.redis.hset(record, "x", ARGV[2] ?? "");
    return [is[1], is[3] ?? ""];
  }

  settle({ keys: { record, tail, text }, ARGV }: Script): Answer {
    const { now, redis } = this;
    const [, lease, op, argument, epoch] = ARGV;
    const is = ["", ...redis.hmget(record, "e", "s", "l", "h", "u", "d", "n", "o", "k")];
    if (op === "owed" || (op === "handed" && is[1] !== epoch)) {
      const isMeant = (each: string): boolean => each.split(":")[0] === epoch;
      const all = (is[6] ?? "").split(" ").filter(Boolean);
      const place = all.findIndex(isMeant);
      const list = all.filter((each, at) => at === place || !isMeant(each));
      if (place < 0) {
        const known = is[9] ?? "";
        const isKnown = is[1] === epoch || known.length === MAX_KNOWN || known.includes(epoch ?? "");
        return [isKnown ? "elsewhere" : "unknown", "0"];
      }
      const [, till = "0", left = String(MAX_HANDOVERS)] = list[place]?.split(":") ?? [];
      if (op === "owed") {
        const rest = Number(till) - now;
        if (rest > 0 || Number(left) <= 0) return ["elsewhere", whole(Math.max(rest, 0))];
        list[place] = `${epoch}:${whole(now + Number(argument))}:${Number(left) - 1}`;
      } else if (argument === "1") {
        list.splice(place, 1);
      } else {
        list[place] = `${epoch}:0:${Math.min(Number(left), 1)}`;
      }
      if (list.length > 0) redis.hset(record, "d", list.join(" "));
      if (op === "owed") return ["taken", redis.xrange(text, `${epoch}-0`, `${epoch}-${MAX_COUNT}`)];
      if (list.length === 0) {
        redis.hdel(record, "d");
        if (is[8] === "0") redis.del(text);
        else redis.xtrimMinId(text, `${is[1]}-0`);
      }
      return "1";
    }
    if (!is[1]) return null;
    if (op === "elect") {
      if (Number(is[4] ?? 0) <= 0 || Number(is[5] ?? 0) > now) return null;
      if (!is[2] && this.remaining(Number(lease), is[3]) > 0) return null;
      const left = Number(is[4]) - 1;
      redis.hset(record, "h", whole(left), "u", whole(now + Number(argument)), "s", is[2] ?? "lost");
      const entries = redis.xrange(text, `${is[1]}-0`, `${is[1]}-${MAX_COUNT}`);
      const open = (Number(is[7]) > Number(is[8]) ? redis.get(tail) : undefined) ?? "";
      return [is[1], is[2] ?? "lost", entries, open, is[7] ?? null];
    }
    if (is[1] !== epoch) return null;
    if (op === "handed") {
      redis.hdel(record, "u");
      if (argument === "1") redis.hdel(record, "h");
      else if (Number(is[4] ?? 0) > 1) redis.hset(record, "h", "1");
    } else if (op === "release" && !is[2]) {
      redis.hdel(record, "h");
      redis.hset(record, "s", "lost");
    }
    return "1";
  }
}

/** Of `k`: eight epochs of 16 digits, and what parts them. */
const MAX_KNOWN = 135;

const MAX_COUNT = "18446744073709551615";

function whole(number: number): string {
  return number.toFixed(0);
}
