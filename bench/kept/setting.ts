import type { RedisServer } from "../../test/support/redis-server.ts";
import type { Row } from "../lib/row.ts";
import type { SourceSpec } from "../lib/source.ts";

export interface KeptSetting {
  redis: RedisServer;
}

export type KeptRow = Row<KeptSetting>;

/** About 85 tokens a second. */
export const MODEL = { kind: "stamped" as const, chunks: 340, everyMs: 12 } satisfies SourceSpec;
