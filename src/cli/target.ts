// Which server a command is about: --url, or what the environment names.

import { clusterNodes } from "../transports/redis/cluster-nodes.ts";
import { type Arguments, UsageError } from "./args.ts";
import type { World } from "./command.ts";
import { describeError } from "./print.ts";

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
  const kind = scheme && KINDS.get(scheme);
  if (!kind) {
    throw new UsageError(`${name} must be a URL: redis://…, rediss://…, postgres://… or postgresql://….`);
  }
  if (!isWellFormed(url, kind)) {
    const path = kind === "redis" ? " The path of a Redis URL is the number of a database." : "";
    throw new UsageError(`${name} can't be used: ${ENCODE}${path}`);
  }
  return { kind, url };
}

const ENCODE = "percent-encode characters such as / # ? % in its user and password.";

const KINDS: ReadonlyMap<string, Target["kind"]> = new Map([
  ["redis", "redis"],
  ["rediss", "redis"],
  ["postgres", "postgres"],
  ["postgresql", "postgres"],
]);

/** Clients fail late with others, in words that say little, or take the beginning of a password for a port. */
function isWellFormed(url: string, kind: Target["kind"]): boolean {
  const parsed = parseUrl(url);
  if (!parsed) return false;
  const { hash, password, pathname, username } = parsed;
  if (username === "" && `${pathname}${hash}`.includes("@")) return false;
  return kind === "postgres" || (isDecodable(username + password) && /^\/?\d*$/.test(pathname));
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Undefined if it is none. `pg` takes a user without a host, whose socket is named behind: then without the user. */
function parseUrl(url: string): URL | undefined {
  const standard = url.replace(/^(postgres(?:ql)?:\/\/)[^/]*@\//i, "$1/");
  return URL.canParse(standard) ? new URL(standard) : undefined;
}

/** The server without its password. */
export function describeTarget({ kind, url }: Target): string {
  const nodes = kind === "redis" ? clusterNodes(url) : undefined;
  if (nodes) return `The Redis cluster at ${nodes.urls.map((node) => new URL(node).host).join(", ")}`;
  const parsed = parseUrl(url);
  const address = parsed?.searchParams.get("host") || parsed?.host || "its default address";
  return `${kind === "redis" ? "Redis" : "Postgres"} at ${address}`;
}

function isClusterList(url: string, name: string): boolean {
  try {
    return /^rediss?:/i.test(url) && clusterNodes(url) !== undefined;
  } catch (error) {
    throw new UsageError(`${name}: ${error instanceof URIError ? ENCODE : describeError(error)}`);
  }
}
