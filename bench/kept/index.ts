// A log over Redis, beside the relay, and beside what plain commands of Redis take for the same work.

import { RedisServer } from "../../test/support/redis-server.ts";
import { redisVersion } from "../lib/machine.ts";
import type { Group } from "../lib/row.ts";
import { crowd } from "./crowd.ts";
import { memory } from "./memory.ts";
import { latency, replay } from "./reading.ts";
import type { KeptSetting } from "./setting.ts";
import { unwatched, watched } from "./writes.ts";

export const kept: Group<KeptSetting & AsyncDisposable> = {
  name: "kept",
  title: "Redis that keeps the text",
  intro:
    "The option `keepText`. Floors: the relay for what is live, `GET` for what is read again, an `XADD` of the same text for each write.",
  rows: [latency, replay, unwatched, watched, memory, crowd],
  async start() {
    const redis = await RedisServer.start();
    return { redis, [Symbol.asyncDispose]: () => redis.stop() };
  },
  versions: async ({ redis }) => ({ Redis: await redisVersion(redis) }),
};
