// What this process holds, garbage left out.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { turns } from "../../src/testing/reading.ts";

/** Bytes. */
export async function heapUsed(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  await turns(1);
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
