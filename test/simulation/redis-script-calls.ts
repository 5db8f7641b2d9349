// What a simulated server gives its scripts, and what they take and answer.

import type { RedisKeys, StreamEntry } from "./redis-keys.ts";

/** What a script answers: `null` is Lua's false. */
export type Answer = null | string | Array<string | null | StreamEntry[]>;

export interface ScriptKeys {
  record: string;
  tail: string;
  text: string;
}

export interface RedisServerPorts {
  redis: RedisKeys;
  /** The server's clock, in microseconds. */
  time: () => number;
  uptimeSeconds: () => number;
  publish: (command: string, channel: string, message: string) => void;
}

/** One run of a script. `ARGV[1]` is the length of a lease, as in Lua: nothing is at 0. */
export interface Script {
  keys: ScriptKeys;
  ARGV: readonly string[];
}

export type RunScript = (script: Script) => Answer;
