// Which server a command is about: --url, or what the environment names.

import { clusterNodes } from "../transports/redis/cluster-nodes.ts";
import { type Arguments, UsageError } from "./args.ts";
import type { World } from "./command.ts";

export interface Target {
  kind: "redis" | "postgres";
  /** Of a Redis cluster a list of URLs. */
  url: string;
}

/** All servers that are named: one with --url. */
export function findTargets({ url }: Arguments, { env }: World): Target[] {
  if (url !== undefined) return [parseTarget(url, "--url")];
  const targets: Target[] = [];
  const redis = env["REDIS_URL"] ? "REDIS_URL" : "KV_URL";
  for (const name of [redis, "POSTGRES_URL"]) {
    const value = env[name];
    if (value) targets.push(parseTarget(value, name));
  }
  if (targets.length > 0) return targets;
  throw new UsageError("No server: set REDIS_URL (or KV_URL) or POSTGRES_URL, or pass --url.");
}

/** The one server that is named. */
export function findTarget(args: Arguments, world: World): Target {
  const [target, other] = findTargets(args, world);
  if (!target || other) {
    throw new UsageError(
      'Both Redis and Postgres are set: pass --url "$REDIS_URL" or --url "$POSTGRES_URL".',
    );
  }
  return target;
}

/** The URL of the database, for commands that are about Postgres alone. */
export function findPostgres({ url }: Arguments, { env }: World): string {
  const found = url ?? env["POSTGRES_URL"];
  if (!found) throw new UsageError("No database: set POSTGRES_URL, or pass --url.");
  if (parseTarget(found, url === undefined ? "POSTGRES_URL" : "--url").kind !== "postgres") {
    throw new UsageError("This command is about Postgres: its URL begins with postgres://.");
  }
  return found;
}

/** A URL may hold a password: no message quotes it. */
export function parseTarget(url: string, name: string): Target {
  if (isClusterList(url, name)) return { kind: "redis", url };
  const scheme = /^([a-z]+):\/\/./i.exec(url)?.[1]?.toLowerCase();
  const isUrl = URL.canParse(url);
  if (isUrl && (scheme === "redis" || scheme === "rediss")) return { kind: "redis", url };
  if (isUrl && (scheme === "postgres" || scheme === "postgresql")) return { kind: "postgres", url };
  throw new UsageError(`${name} must be a URL: redis://…, rediss://…, postgres://… or postgresql://….`);
}

/** The server without its password. */
export function describeTarget({ kind, url }: Target): string {
  const nodes = kind === "redis" ? clusterNodes(url) : undefined;
  if (nodes) return `The Redis cluster at ${nodes.urls.map((node) => new URL(node).host).join(", ")}`;
  const { host } = new URL(url);
  return `${kind === "redis" ? "Redis" : "Postgres"} at ${host || "its default address"}`;
}

function isClusterList(url: string, name: string): boolean {
  try {
    return /^rediss?:/i.test(url) && clusterNodes(url) !== undefined;
  } catch (error) {
    throw new UsageError(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
