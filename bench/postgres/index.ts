// Measures the Postgres rows on a private server that syncs to disk, and gives their part of the page.

import { Client } from "pg";
import { PostgresServer } from "../../test/support/postgres-server.ts";
import { setUpTables } from "../../test/support/postgres-tables.ts";
import { Child } from "../lib/calls.ts";
import { printTable } from "../lib/table.ts";
import { POSTGRES_ROWS, type PostgresLine, type PostgresSetting } from "./measure.ts";
import type { PostgresWorker } from "./worker.ts";

const HEAD = ["", "pg alone", "ours", "target", "reached"];

/** Undefined where none of the rows is asked for. */
export async function measurePostgres(words: readonly string[]): Promise<string | undefined> {
  const rows = Object.entries(POSTGRES_ROWS).filter(
    ([name]) => words.length === 0 || words.some((word) => `postgres ${name}`.includes(word)),
  );
  if (rows.length === 0) return undefined;
  await using server = await PostgresServer.start({ survives: "disk", settings: ["autovacuum=off"] });
  const version = await prepare(server.url);
  const lines: PostgresLine[] = [];
  for (const [name, measure] of rows) {
    process.stderr.write(`postgres ${name} …\n`);
    // Fresh processes, so that no row pays for what another has left open.
    await using producer = await openWorker(server);
    await using follower = await openWorker(server);
    lines.push(...(await measure({ server, producer, follower } satisfies PostgresSetting)));
  }
  return [
    `## Postgres ${version}`,
    "",
    "`pg alone` is one multi-row insert of the same bytes. There is no published library to compare with.",
    "",
    printTable(HEAD, lines.map(toCells)),
  ].join("\n");
}

function toCells({ label, floor, ours, show, target, isReached }: PostgresLine): string[] {
  return [
    label,
    floor === undefined ? "" : show(floor),
    show(ours),
    target,
    target === "" ? "" : isReached ? "yes" : "no",
  ];
}

async function prepare(url: string): Promise<string> {
  await setUpTables(url);
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query("create table floor (chunk text)");
  const { rows } = await client.query<{ server_version: string }>("show server_version");
  await client.end();
  return rows[0]?.server_version.split(" ")[0] ?? "unknown";
}

async function openWorker(server: PostgresServer): Promise<Child<PostgresWorker>> {
  const child = await Child.start<PostgresWorker>("postgres/worker.ts");
  await child.call("open", { url: server.url });
  return child;
}
