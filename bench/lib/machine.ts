// What the numbers were measured on.

import { availableParallelism, cpus, totalmem, type as osType } from "node:os";
import type { RedisServer } from "../../test/support/redis-server.ts";

export async function describeMachine(redis: RedisServer): Promise<string> {
  const info = String(await redis.command("INFO", "server"));
  const version = /^(?:valkey|redis)_version:(\S+)/m.exec(info)?.[1] ?? "unknown";
  return [
    `- Date: ${new Date().toISOString().slice(0, 10)}`,
    `- Processor: ${cpus()[0]?.model.trim() ?? "unknown"}, ${availableParallelism()} cores`,
    `- Memory: ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `- System: ${osType()}, Node ${process.versions.node}, Redis ${version}`,
    "- Clients: node-redis 6, one to publish and one to subscribe, for both libraries",
  ].join("\n");
}
