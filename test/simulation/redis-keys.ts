// A model of a Redis server's keys: hashes, strings and streams with a time to live, as far as the scripts of the log use them.
// Commands are named as Redis names them, and do what Redis does, its refusals included.

import { utf8Length } from "../../src/lib/text.ts";

/** `<epoch>-<end>`, and the one field: `t` or `j`, and its text. As XRANGE answers it. */
export type StreamEntry = [id: string, fields: [kind: string, chunk: string]];

interface Stream {
  type: "stream";
  entries: StreamEntry[];
  /** The highest id it ever had, which outlives its entry. */
  last: string;
}

type Value = { type: "hash"; fields: Map<string, string> } | { type: "string"; text: string } | Stream;

interface Key {
  value: Value;
  /** By the clock of the server, in ms. */
  expiresAt: number;
}

export class RedisKeys {
  readonly #now: () => number;
  #keys = new Map<string, Key>();

  /** @param now - the server's clock, in ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  hmget(key: string, ...names: string[]): Array<string | undefined> {
    const hash = this.#value(key, "hash");
    return names.map((name) => hash?.fields.get(name));
  }

  hset(key: string, ...fields: string[]): void {
    const hash = this.#value(key, "hash") ?? this.#create(key, { type: "hash", fields: new Map() });
    for (let at = 0; at < fields.length; at += 2) hash.fields.set(fields[at] ?? "", fields[at + 1] ?? "");
  }

  hdel(key: string, name: string): void {
    const hash = this.#value(key, "hash");
    hash?.fields.delete(name);
    if (hash?.fields.size === 0) this.del(key);
  }

  get(key: string): string | undefined {
    return this.#value(key, "string")?.text;
  }

  set(key: string, text: string, how: { px: number } | "keepttl"): void {
    const expiresAt = how === "keepttl" ? this.#key(key)?.expiresAt : this.#now() + how.px;
    this.#keys.set(key, { value: { type: "string", text }, expiresAt: expiresAt ?? Infinity });
  }

  append(key: string, text: string): void {
    const string = this.#value(key, "string") ?? this.#create(key, { type: "string", text: "" });
    string.text += text;
  }

  strlen(key: string): number {
    return utf8Length(this.get(key) ?? "");
  }

  exists(key: string): boolean {
    return this.#key(key) !== undefined;
  }

  del(key: string): void {
    this.#keys.delete(key);
  }

  pexpire(key: string, ms: number): void {
    const there = this.#key(key);
    if (there) there.expiresAt = this.#now() + ms;
  }

  /** How long it lives; undefined if there is no such key. */
  pttl(key: string): number | undefined {
    const there = this.#key(key);
    return there && there.expiresAt - this.#now();
  }

  xadd(key: string, id: string, kind: string, chunk: string): void {
    const stream =
      this.#value(key, "stream") ?? this.#create(key, { type: "stream", entries: [], last: "0-0" });
    if (compareIds(id, stream.last) <= 0) {
      throw new Error("ERR The ID specified in XADD is equal or smaller than the target stream top item");
    }
    stream.entries.push([id, [kind, chunk]]);
    stream.last = id;
  }

  xrange(key: string, from: string, to: string): StreamEntry[] {
    const entries = this.#value(key, "stream")?.entries ?? [];
    return entries.filter(([id]) => compareIds(id, from) >= 0 && compareIds(id, to) <= 0);
  }

  xtrimMinId(key: string, id: string): void {
    const stream = this.#value(key, "stream");
    if (stream) stream.entries = stream.entries.filter((entry) => compareIds(entry[0], id) >= 0);
  }

  /** A restart without a file. */
  flush(): void {
    this.#keys.clear();
  }

  /** What a replica has. */
  copy(): ReadonlyMap<string, Key> {
    return structuredClone(this.#keys);
  }

  /** A replica takes over. */
  replaceBy(keys: ReadonlyMap<string, Key>): void {
    this.#keys = new Map(keys);
  }

  #create<V extends Value>(key: string, value: V): V {
    this.#keys.set(key, { value, expiresAt: Infinity });
    return value;
  }

  #value<T extends Value["type"]>(key: string, type: T): Extract<Value, { type: T }> | undefined {
    const value = this.#key(key)?.value;
    if (value && value.type !== type) {
      throw new Error("WRONGTYPE Operation against a key holding the wrong kind of value");
    }
    return value as Extract<Value, { type: T }> | undefined;
  }

  #key(key: string): Key | undefined {
    const there = this.#keys.get(key);
    if (there && there.expiresAt <= this.#now()) {
      this.#keys.delete(key);
      return undefined;
    }
    return there;
  }
}

/** The highest that Redis has is beyond what a number can tell from its neighbours, and above all that are used. */
function compareIds(a: string, b: string): number {
  const [[aTime = 0, aCount = 0], [bTime = 0, bCount = 0]] = [
    a.split("-").map(Number),
    b.split("-").map(Number),
  ];
  return aTime - bTime || aCount - bCount;
}
