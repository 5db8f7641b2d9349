// npm run bench: this library and the published one in turn, on one private Redis. Prints a table and keeps it in
// RESULTS.md; then the rows over HTTP, of a Redis that keeps the text, and over Postgres. `npm run bench -- latency heap` measures only the rows whose name holds one of these words, and keeps nothing.

import { writeFile } from "node:fs/promises";
import { TcpProxy } from "../test/support/proxy.ts";
import { RedisServer } from "../test/support/redis-server.ts";
import { measureHttp } from "./http/index.ts";
import { describeMachine } from "./lib/machine.ts";
import { measureRow } from "./lib/measure-row.ts";
import { failures, linesOf, table } from "./lib/table.ts";
import { measureKept } from "./kept/index.ts";
import { measurePostgres } from "./postgres/index.ts";
import { REDIS_ROWS } from "./rows/index.ts";

/** Far enough for a machine's own delays to be small beside it. */
const ONE_WAY_MS = 100;

const words = process.argv.slice(2);
const rows = REDIS_ROWS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));

await using redis = await RedisServer.start();
await using proxy = await TcpProxy.start(redis.port, { toServerMs: ONE_WAY_MS, toClientMs: ONE_WAY_MS });

const lines: string[][] = [];
const failed: string[] = [];
for (const row of rows) {
  process.stderr.write(`${row.name} …\n`);
  const result = await measureRow(row, { redis, proxy });
  lines.push(...linesOf(row, result));
  failed.push(...failures(row, result));
}

const http = await measureHttp(words);
const kept = await measureKept(words);
const postgres = await measurePostgres(words);
const redisTable = rows.length === 0 ? [] : [table(lines), ...failed.map((failure) => `- ${failure}`)];
const others = [http, kept, postgres].filter((part) => part !== undefined);
const report = [...redisTable, ...others.flatMap((part) => ["", part])].join("\n");
process.stdout.write(`\n${report}\n`);
if (words.length === 0) {
  await writeFile(new URL("RESULTS.md", import.meta.url), await resultsPage(report));
}

async function resultsPage(body: string): Promise<string> {
  return `# Results

This library and the published resumable-stream 2.2.13, in turn in one run, on one private Redis; producer and followers
are processes of their own. Each value is the median of several rounds. Made by \`npm run bench\`.

${await describeMachine(redis)}

${body}
`;
}
