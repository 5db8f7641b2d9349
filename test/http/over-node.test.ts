// The suites of bodies once more, over the bridge to Node, which writes past the web streams.

import { readOverNode } from "./bytes.ts";

readOverNode();

await import("./response.test.ts");
await import("./caught-up.test.ts");
await import("./compaction.test.ts");
await import("./handlers.test.ts");
