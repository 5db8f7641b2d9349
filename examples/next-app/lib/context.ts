// Where answers are kept while they are written: in Redis, also if the process that writes them is killed.

import { after } from "next/server";
import { createResumableStreamContext, type DurableStreamContext } from "resumable-stream";

process.env["REDIS_URL"] ??= "redis://localhost:6379";

// On the global object: Next.js bundles instrumentation.ts apart from the routes.
const shared: { streams?: DurableStreamContext } = globalThis as object;
// `after` keeps the function alive until the answer is saved, also if its reader has left.
export const context = (shared.streams ??= createResumableStreamContext({
  waitUntil: after,
  keepText: true,
}));
