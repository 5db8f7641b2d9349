import type { TcpProxy } from "../../test/support/proxy.ts";
import type { RedisServer } from "../../test/support/redis-server.ts";
import type { Row } from "../lib/row.ts";

export interface RelaySetting {
  redis: RedisServer;
  /** The same Redis, far away. */
  proxy: TcpProxy;
}

export type RelayRow = Row<RelaySetting>;
