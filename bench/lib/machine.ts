// What the numbers were measured on.

import { availableParallelism, cpus, totalmem, type as osType } from "node:os";
import type { RedisServer } from "../../test/support/redis-server.ts";
import type { Machine } from "./results.ts";

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: osType(),
  };
}

export async function redisVersion(redis: RedisServer): Promise<string> {
  const info = String(await redis.command("INFO", "server"));
  return /^(?:valkey|redis)_version:(\S+)/m.exec(info)?.[1] ?? "unknown";
}
