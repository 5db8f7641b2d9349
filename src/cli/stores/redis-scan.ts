// The keys of a Redis server, or of all masters of a cluster.

import { mastersOf, type RedisClient, type RedisNode } from "../redis-single.ts";

/** Keys a `SCAN` looks at: few enough not to hold the server up. */
const SCAN_COUNT = 500;

/** In batches, each key once. */
export async function* scanFor({
  publisher,
  beginning,
  isWanted,
}: {
  publisher: RedisClient;
  beginning: string;
  isWanted: (key: string) => boolean;
}): AsyncGenerator<string[]> {
  // A scan may give a key twice, and two nodes give the same one while it moves.
  const seen = new Set<string>();
  for (const node of await mastersOf(publisher)) {
    for await (const keys of scan(node, beginning)) {
      const fresh = new Set(keys.filter((key) => isWanted(key) && !seen.has(key)));
      for (const key of fresh) seen.add(key);
      yield [...fresh];
    }
  }
}

async function* scan(node: RedisNode, beginning: string): AsyncGenerator<string[]> {
  let cursor = "0";
  do {
    const pattern = `${beginning.replace(/[*?[\]\\^]/g, "\\$&")}*`;
    const reply = await node.ask("SCAN", cursor, "MATCH", pattern, "COUNT", String(SCAN_COUNT));
    const [next, keys] = Array.isArray(reply) ? (reply as unknown[]) : [];
    cursor = String(next);
    yield Array.isArray(keys) ? keys.map(String) : [];
  } while (cursor !== "0");
}
