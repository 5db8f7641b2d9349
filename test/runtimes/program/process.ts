// Run by Node, Bun and Deno, with the name of a suite and the address it needs: prints a JSON line a test.

import { describeClient } from "./client.ts";
import { collect } from "./collect.ts";
import { describeMemory } from "./portable.ts";
import { describeGenericOverRedis, describeIoredis, describeRedis } from "./redis.ts";

const suites = {
  memory: describeMemory,
  generic: describeGenericOverRedis,
  client: describeClient,
  redis: describeRedis,
  ioredis: describeIoredis,
};

// Kept: a promise about reports looks at what goes to the console, while others run beside it.
const { log } = console;
const [name = "", address = ""] = process.argv.slice(2);
if (!isSuite(name)) throw new Error(`There is no suite ${name}.`);
const planned = await collect(
  (runner) => suites[name](runner, address),
  (outcome) => log(JSON.stringify(outcome)),
);
log(JSON.stringify({ planned, runtime: runtimeName() }));
// A client library's timers may be left.
process.exit();

function runtimeName(): string {
  // Node 20 has no navigator.
  return "navigator" in globalThis ? navigator.userAgent : `Node.js/${process.versions.node}`;
}

function isSuite(key: string): key is keyof typeof suites {
  return key in suites;
}
