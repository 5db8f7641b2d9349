// When a connection that listens is relied on, and when it is given up.

import { EventEmitter } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { systemRandom } from "../../../src/lib/random.ts";
import { ResumableStreamError } from "../../../src/port/errors.ts";
import type { Database, ListenRequest } from "../../../src/transports/postgres/database.ts";
import { Listener } from "../../../src/transports/postgres/listener.ts";
import { openListeningConnection } from "../../../src/transports/postgres/listening-connection.ts";
import { outagesOf } from "../../../src/transports/postgres/outages.ts";
import { poolError } from "../../../src/transports/postgres/pool-trouble.ts";
import type { PostgresParts } from "../../../src/transports/postgres/parts.ts";
import { createQueries } from "../../../src/transports/postgres/queries.ts";
import { manualClock } from "../../support/manual-clock.ts";

const LISTEN_TIMEOUT_MS = 1_000;

/** A listener with somebody to listen for, over a database that does as the test says. */
async function openListener() {
  const clock = manualClock();
  const requests: ListenRequest[] = [];
  const proofs: string[] = [];
  const proven: boolean[] = [];
  let isBusy = false;
  const database: Database = {
    outages: outagesOf({}, clock),
    run: (_, [said]) => {
      if (isBusy) return Promise.reject(busyError());
      const [[, payload = ""] = []] = JSON.parse(String(said)) as string[][];
      proofs.push(payload);
      return Promise.resolve([]);
    },
    listen: (request) => {
      requests.push(request);
      return Promise.resolve({
        add: () => Promise.resolve(),
        remove: () => undefined,
        close: () => Promise.resolve(),
      });
    },
    isClosed: () => false,
    close: () => Promise.resolve(),
  };
  const settings = {
    retentionSeconds: 60,
    leaseMs: 10_000,
    flushIntervalMs: 100,
    followedFlushIntervalMs: 100,
    pollIntervalMs: 250,
    statementTimeoutMs: 3_000,
    listenTimeoutMs: LISTEN_TIMEOUT_MS,
  };
  const tables = { sessions: "sessions", chunks: "chunks" };
  const queries = createQueries({ tables, leaseMs: 10_000, hasGrace: true });
  const context: PostgresParts = {
    settings,
    queries,
    database,
    running: new Set(),
    channel: "channel",
    clock,
    random: systemRandom,
    onError: () => undefined,
  };
  const listener = new Listener({
    context,
    onHints: () => undefined,
    onProven: (isProven) => void proven.push(isProven),
  });
  listener.use("channel", () => undefined);
  await turn();
  return {
    clock,
    requests,
    proofs,
    proven,
    listener,
    setBusy: (is: boolean) => void (isBusy = is),
    hear: (isUnasked: boolean) => requests.at(-1)?.onNotification(proofs.at(-1) ?? "", isUnasked),
    pass: async (ms: number) => {
      clock.pass(ms);
      await turn();
    },
  };
}

function busyError(): ResumableStreamError {
  return poolError("busy", { cause: undefined, isLate: true }) ?? new ResumableStreamError("CLOSED", "");
}

test("a proof that comes by itself proves it; one that isn't heard ends it", async () => {
  const { hear, listener, pass, proven, requests } = await openListener();
  hear(true);
  expect(listener.isProven).toBe(true);
  await listener.prove(() => Promise.resolve());
  await pass(LISTEN_TIMEOUT_MS);
  expect(proven).toEqual([true, false]);
  await pass(250);
  expect(requests).toHaveLength(2);
});

test("a proof that comes with an answer proves nothing, as behind a pooler, and is sent again", async () => {
  const { hear, listener, pass, proofs, requests } = await openListener();
  hear(false);
  expect(listener.isProven).toBe(false);
  await pass(LISTEN_TIMEOUT_MS);
  expect(proofs).toHaveLength(2);
  hear(true);
  expect(listener.isProven).toBe(true);
  expect(requests).toHaveLength(1);
});

test("a proof that no connection is lent for says nothing, and is sent once one is", async () => {
  const { hear, listener, pass, proofs, proven, requests, setBusy } = await openListener();
  hear(true);
  setBusy(true);
  await expect(listener.prove(() => Promise.reject(busyError()))).rejects.toThrow("in use");
  await pass(10 * LISTEN_TIMEOUT_MS);
  expect(proven).toEqual([true]);
  setBusy(false);
  await listener.prove((proof) => Promise.resolve(proofs.push(proof?.[1] ?? "")));
  hear(true);
  await pass(LISTEN_TIMEOUT_MS);
  expect(proven).toEqual([true]);
  expect(requests).toHaveLength(1);
});

test("a connection tells what comes by itself from what comes while it has to answer", async () => {
  const answers: (() => void)[] = [];
  const client = Object.assign(new EventEmitter(), {
    query: () => new Promise<{ rows: [] }>((resolve) => answers.push(() => resolve({ rows: [] }))),
    release: () => undefined,
  });
  const heard: [string, boolean][] = [];
  const pool = { connect: () => Promise.resolve(client), query: client.query };
  const connection = await openListeningConnection(pool, {
    clock: manualClock(),
    timeoutMs: 1_000,
    onNotification: (_, payload, isUnasked) => void heard.push([payload, isUnasked]),
    onLost: () => undefined,
  });
  const notify = (payload: string) => client.emit("notification", { channel: "c", payload });
  const listening = connection.listen("c");
  await turn();
  notify("with LISTEN");
  answers.shift()?.();
  await listening;
  notify("between");
  const ran = connection.run((lent) => lent.query("select"), 1_000);
  await turn();
  notify("with a statement");
  answers.shift()?.();
  await ran;
  notify("after");
  expect(heard).toEqual([
    ["with LISTEN", false],
    ["between", true],
    ["with a statement", false],
    ["after", true],
  ]);
});
