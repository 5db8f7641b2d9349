/** Bytes in use, with nothing left to collect. Needs --expose-gc. */
export async function usedBytes(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error("start this process with --expose-gc");
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
