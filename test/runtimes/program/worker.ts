// Run by workerd, bundled: answers a request for a suite with a JSON line a test.

import type { Runner } from "resumable-stream/testing";
import { describeClient } from "./client.ts";
import { collect } from "./collect.ts";
import { describeGeneric, describeMemory } from "./portable.ts";

const suites: Record<string, (runner: Runner, address: string) => void> = {
  memory: describeMemory,
  generic: describeGeneric,
  client: describeClient,
};

const worker = {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const define = suites[pathname.slice(1)];
    if (!define) return new Response("ready", { status: 404 });
    const lines: string[] = [];
    const planned = await collect(
      (runner) => define(runner, searchParams.get("address") ?? ""),
      (outcome) => lines.push(`${JSON.stringify(outcome)}\n`),
    );
    return new Response(`${lines.join("")}${JSON.stringify({ planned, runtime: navigator.userAgent })}\n`);
  },
};

// eslint-disable-next-line import/no-default-export -- workerd asks for it.
export default worker;
