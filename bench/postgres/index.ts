// A log over Postgres, on a private server that syncs to disk. There is no published library to compare with.

import { PostgresServer } from "../../test/support/postgres-server.ts";
import { setUpTables } from "../../test/support/postgres-tables.ts";
import type { Group } from "../lib/row.ts";
import { idle, modelPace, smallChunks } from "./cost.ts";
import { crowd } from "./crowd.ts";
import { fullTable } from "./full-table.ts";
import { latency, resume, trips } from "./reading.ts";
import { query, type PostgresSetting } from "./setting.ts";
import { throughput } from "./throughput.ts";

export const postgres: Group<PostgresSetting & AsyncDisposable> = {
  name: "postgres",
  title: "Postgres",
  intro:
    "A server that syncs to disk. Floors: one multi-row insert of the same bytes, and the same work in an empty table.",
  rows: [throughput, smallChunks, modelPace, idle, latency, resume, trips, fullTable, crowd],
  async start() {
    const server = await PostgresServer.start({ survives: "disk", settings: ["autovacuum=off"] });
    await setUpTables(server.url);
    await query(server.url, "create table floor (chunk text)");
    return { server, [Symbol.asyncDispose]: () => server.stop() };
  },
  async versions({ server }) {
    const [row] = await query(server.url, "show server_version");
    return { Postgres: String(row?.["server_version"]).split(" ")[0] ?? "unknown" };
  },
};
