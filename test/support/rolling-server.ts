// A server that can be replaced in mid-answer, as docs/deploys.md has it; its answers name their process. It is started by
// test/faults/rolling-restart.test.ts.

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "pg";
import { createResumeHandlers, streamResponse, toNodeHandler } from "../../src/http.ts";
import { createPostgresResumableStreamContext } from "../../src/postgres.ts";
import { createResumableStreamContext } from "../../src/redis.ts";

const { NAME = "", PORT, POSTGRES_URL, KEY_PREFIX, FINISH_FILE = "", DRAIN_MS } = process.env;
const LINE_MS = 25;
const headers = { "x-process": NAME };

const pool = POSTGRES_URL ? new Pool({ connectionString: POSTGRES_URL }) : undefined;
const context = pool
  ? createPostgresResumableStreamContext({ pool, waitUntil: null })
  : createResumableStreamContext({ waitUntil: null, ...(KEY_PREFIX && { keyPrefix: KEY_PREFIX }) });

/** Numbered lines; the last one is `whole`, once the file is there. A long answer has none. */
function answer(isLong: boolean, signal: AbortSignal): ReadableStream<string> {
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      await sleep(LINE_MS, undefined, { signal });
      const isLast = !isLong && existsSync(FINISH_FILE);
      controller.enqueue(`data: ${isLast ? "whole" : next++}\n\n`);
      if (isLast) controller.close();
    },
  });
}

const idOf = (request: Request): string => new URL(request.url).searchParams.get("id") ?? "";
const { GET } = createResumeHandlers(context, { streamId: idOf, authorize: () => true, headers });

async function POST(request: Request): Promise<Response> {
  const id = idOf(request);
  const makeStream = ({ signal }: { signal: AbortSignal }) => answer(id.startsWith("long"), signal);
  return streamResponse(await context.createNewResumableStream(id, makeStream), { headers });
}

const onError = (): void => undefined;
const handle = toNodeHandler((request) => (request.method === "POST" ? POST : GET)(request), { onError });
const server = createServer(handle).listen(Number(PORT), "127.0.0.1");

process.once("SIGTERM", () => {
  void (async () => {
    server.close();
    await context.close({ drainMs: Number(DRAIN_MS) });
    await pool?.end();
    setTimeout(() => process.exit(), 5_000).unref();
  })();
});
