// The relay over Redis, beside the published library.

import { RedisServer } from "../../test/support/redis-server.ts";
import { TcpProxy } from "../../test/support/proxy.ts";
import { redisVersion } from "../lib/machine.ts";
import type { Group } from "../lib/row.ts";
import { away, first } from "./first.ts";
import { publishes, unfollowedCommands } from "./commands.ts";
import { heap } from "./heap.ts";
import { latency } from "./latency.ts";
import { chats, paced } from "./paced.ts";
import { resume } from "./resume.ts";
import { newStream, resumedStream } from "./round-trips.ts";
import type { RelaySetting } from "./setting.ts";
import { followed, unfollowed } from "./throughput.ts";

/** Far enough for a machine's own delays to be small beside it. */
const ONE_WAY_MS = 75;

export const relay: Group<RelaySetting & AsyncDisposable> = {
  name: "relay",
  title: "Redis",
  intro:
    "Both libraries over one Redis, with node-redis 6: one client to publish and one to subscribe. Floors: the source read directly, a hand-written pump, 10 MB in messages of 64 KiB.",
  rows: [
    newStream,
    resumedStream,
    first,
    away,
    unfollowedCommands,
    publishes,
    unfollowed,
    ...followed,
    paced,
    chats,
    latency,
    resume,
    heap,
  ],
  async start() {
    const redis = await RedisServer.start();
    const proxy = await TcpProxy.start(redis.port, { toServerMs: ONE_WAY_MS, toClientMs: ONE_WAY_MS });
    return {
      redis,
      proxy,
      [Symbol.asyncDispose]: async () => {
        await proxy[Symbol.asyncDispose]();
        await redis.stop();
      },
    };
  },
  versions: async ({ redis }) => ({ Redis: await redisVersion(redis) }),
};
