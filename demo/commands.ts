/** Counts what the streams have asked of Redis since the demo started; undefined over memory, where there is nothing to ask. */
export async function countCommands(url: string | undefined): Promise<() => Promise<number | undefined>> {
  if (!url) return async () => undefined;
  const { createClient } = await import("redis");
  const client = await createClient({ url }).connect();
  const count = async (): Promise<number> => {
    const stats = await client.info("commandstats");
    let sum = 0;
    for (const [, name = "", calls] of stats.matchAll(/^cmdstat_([\w|]+):calls=(\d+)/gm)) {
      // The connections' own affairs, and this very question.
      if (!/^(info|hello|client|ping|auth|select)\b/.test(name)) sum += Number(calls);
    }
    return sum;
  };
  const before = await count();
  return async () => (await count()) - before;
}
