// Answers while they are written: Redis knows which process has them.

import { after } from "next/server";
import { createResumableStreamContext, type ResumableStreamContext } from "resumable-stream";

process.env["REDIS_URL"] ??= "redis://localhost:6379";

// On the global object: Next.js bundles instrumentation.ts apart from the routes.
const shared: { streams?: ResumableStreamContext } = globalThis as object;
// `after` keeps the function alive until the answer is saved, also if its reader has left.
export const context = (shared.streams ??= createResumableStreamContext({ waitUntil: after }));
