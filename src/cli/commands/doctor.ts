// `doctor`: tries what people get wrong, and says what to do.

import { checkOptions } from "../../api/options.ts";
import type { Command, CommandArguments, World } from "../command.ts";
import { type Finding, runChecks } from "../doctor/check.ts";
import { CLUSTER_CHECKS } from "../doctor/cluster-checks.ts";
import { cannotConnect } from "../doctor/connecting.ts";
import { POSTGRES_CHECKS } from "../doctor/postgres-checks.ts";
import { REDIS_CHECKS } from "../doctor/redis-checks.ts";
import { streamCheck } from "../doctor/stream-check.ts";
import { UsageError } from "../args.ts";
import { EXIT } from "../exit.ts";
import { openPostgres, tableNames } from "../postgres-client.ts";
import { printable, toJson } from "../print.ts";
import { openRedis } from "../redis-client.ts";
import { openStore, storeOptions } from "../stores/open-store.ts";
import { describeTarget, findTargets, type Target } from "../target.ts";

export const doctor: Command = {
  words: ["doctor"],
  takesId: false,
  summary: "checks the servers that are set, and says what to do",
  run: async (args, world) => {
    let hasFailed = false;
    for (const target of findTargets(args, world)) {
      if (!args.isJson) world.print(printable(`${describeTarget(target)}:`));
      for await (const finding of examine(target, args, world)) {
        hasFailed ||= finding.status === "failed";
        if (args.isJson) world.print(toJson({ server: target.kind, ...finding }));
        else print(finding, world);
      }
    }
    return hasFailed ? EXIT.failed : EXIT.done;
  },
};

async function* examine(target: Target, args: CommandArguments, world: World): AsyncGenerator<Finding> {
  const checks = target.kind === "redis" ? checkRedis : checkPostgres;
  let isSound = true;
  for await (const finding of checks(target, args, world)) {
    isSound &&= finding.status !== "failed";
    yield finding;
  }
  // It would fail for the same reasons.
  if (isSound) yield* checkStream(target, args, world);
}

async function* checkRedis(target: Target, args: CommandArguments): AsyncGenerator<Finding> {
  const clients = await openBoth(
    () => openRedis(target.url),
    (client) => client.close(),
  );
  if ("error" in clients) {
    yield cannotConnect(target, clients.error);
    return;
  }
  try {
    yield connected(target);
    const { keyPrefix } = checkOptions({ waitUntil: null, ...prefixOf(args) });
    const checks = clients.one.connection.isCluster ? [...CLUSTER_CHECKS, ...REDIS_CHECKS] : REDIS_CHECKS;
    yield* runChecks(checks, { ...clients, url: target.url, keyPrefix });
  } finally {
    clients.one.close();
    clients.other.close();
  }
}

async function* checkPostgres(
  target: Target,
  _args: CommandArguments,
  world: World,
): AsyncGenerator<Finding> {
  const clients = await openBoth(
    () => openPostgres(target.url),
    (client) => client.end(),
  );
  if ("error" in clients) {
    yield cannotConnect(target, clients.error);
    return;
  }
  try {
    yield connected(target);
    yield* runChecks(POSTGRES_CHECKS, { ...clients, tables: tableNames(world) });
  } finally {
    await Promise.all([clients.one.end(), clients.other.end()]);
  }
}

async function* checkStream(target: Target, args: CommandArguments, world: World): AsyncGenerator<Finding> {
  const options = { ...storeOptions(args, world), retentionSeconds: 60 };
  const stores = await openBoth(
    () => openStore(target, options),
    (store) => store.close(),
  );
  if ("error" in stores) {
    yield cannotConnect(target, stores.error);
    return;
  }
  try {
    yield* runChecks([streamCheck], { producing: stores.one, following: stores.other });
  } finally {
    await Promise.all([stores.one.close(), stores.other.close()]);
  }
}

/** Two connections, since one may hear what two can't tell each other. */
async function openBoth<T>(
  open: () => Promise<T>,
  close: (opened: T) => unknown,
): Promise<{ one: T; other: T } | { error: unknown }> {
  let one: T | undefined;
  try {
    one = await open();
    return { one, other: await open() };
  } catch (error) {
    if (one) await close(one);
    if (error instanceof UsageError) throw error;
    return { error };
  }
}

function connected(target: Target): Finding {
  return { check: "connect", status: "ok", found: `${describeTarget(target)} answers` };
}

function prefixOf({ keyPrefix }: CommandArguments): { keyPrefix?: string } {
  return keyPrefix === undefined ? {} : { keyPrefix };
}

function print({ advice, check, found, status }: Finding, world: World): void {
  world.print(`  ${status.padEnd(8)} ${check.padEnd(15)} ${printable(found)}`);
  if (advice !== undefined) world.print(`  ${" ".repeat(25)}${printable(advice)}`);
}
