// A deploy: answers that are being written have a minute to end. Next.js itself closes the server, and waits for them.

import { context } from "./context.ts";

process.once("SIGTERM", () => void context.close({ drainMs: Number(process.env["DRAIN_MS"] ?? 60_000) }));
