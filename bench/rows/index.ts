import { publishes, unfollowedCommands } from "./commands.ts";
import { heap } from "./heap.ts";
import { latency } from "./latency.ts";
import { paced } from "./paced.ts";
import { resume } from "./resume.ts";
import { newStream, resumedStream } from "./round-trips.ts";
import type { Row } from "./row.ts";
import { followed, unfollowed } from "./throughput.ts";

/** In the order of the table. Rows over another backend go after these, with a setting of their own. */
export const REDIS_ROWS: readonly Row[] = [
  newStream,
  resumedStream,
  unfollowedCommands,
  publishes,
  unfollowed,
  ...followed,
  paced,
  latency,
  resume,
  heap,
];
