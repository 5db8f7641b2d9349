// What the command prints arrives whole, or it says so. As a shell has it: to a full disk, and into pipes.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const env = { ...process.env, POSTGRES_URL: inject("postgresUrl"), REDIS_URL: "" };

/** Runs a line of a shell, in which `rs` is the command. */
async function shell(line: string): Promise<string> {
  const script = `rs() { "${process.execPath}" "${cli}" "$@"; }; exec 3>&1; ${line}`;
  const { stderr, stdout } = await promisify(execFile)("sh", ["-c", script], { env });
  return `${stdout}${stderr}`.trim();
}

/** Rows enough that no pipe takes them at once; gives their prefix. */
async function manyStreams(count: number): Promise<string> {
  const keyPrefix = `cli-${randomUUID()}`;
  const pool = new Pool({ connectionString: inject("postgresUrl") });
  onTestFinished(async () => {
    await pool.query("delete from rs_stream_sessions where starts_with(stream_id, $1)", [keyPrefix]);
    await pool.end();
  });
  await pool.query(
    `insert into rs_stream_sessions (stream_id, status, expires_at)
     select $1 || n, 'done', now() + interval '1 hour' from generate_series(1, $2) n`,
    [`${keyPrefix}:rs:`, count],
  );
  return keyPrefix;
}

test("a list that is read slowly arrives whole, and one that is read in part ends quietly", async () => {
  const keyPrefix = await manyStreams(20_000);
  const list = `rs list --json --key-prefix ${keyPrefix}`;
  expect(await shell(`${list} | (sleep 3; wc -l)`)).toBe("20000");
  expect(await shell(`{ ${list}; echo $? >&3; } | head -1 >/dev/null`)).toBe("0");
});

test.each(["--help", "list", "list --json"])("%s on a full disk fails, in one line", async (args) => {
  const line = `rs ${args} --key-prefix ${await manyStreams(1)} >/dev/full; echo $?`;
  expect(await shell(line)).toMatch(/^1\nCannot write the output: ENOSPC[^\n]*$/);
});

test("nobody to tell a mistake to changes no exit code", async () => {
  expect(await shell("rs dance 2>/dev/full; echo $?")).toBe("2");
});
