// Which backend a plan asks for.

import type { Backend, BackendOptions } from "./backend.ts";
import { LogBackend } from "./log-backend.ts";
import { RedisLogBackend } from "./redis-log-backend.ts";
import { RelayBackend } from "./relay-backend.ts";

export function backendFor(options: BackendOptions): Backend {
  const { log, redisLog } = options.world.plan;
  if (redisLog) return new RedisLogBackend({ ...options, plan: redisLog });
  return log ? new LogBackend({ ...options, plan: log }) : new RelayBackend(options);
}
