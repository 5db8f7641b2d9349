// The simulator's model of the five scripts against the scripts themselves on a real Redis.

import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { until } from "../support/wait.ts";
import { call, Pair } from "./redis-pair.ts";

let client: Redis;
let uptimeSeconds = 0;

beforeAll(async () => {
  client = new Redis(inject("redisUrl"));
  // While a server is young its leases last longer, and the model's clock isn't the server's.
  const isOld = async (): Promise<boolean> => {
    uptimeSeconds = Number(/uptime_in_seconds:(\d+)/.exec(await client.info("server"))?.[1]);
    return uptimeSeconds > 6;
  };
  await until(isOld, { what: "the server's first seconds" });
});
afterAll(() => client.disconnect());

it("the model of the scripts answers what the scripts answer, and leaves what they leave", async () => {
  const sequences = fc.array(call, { minLength: 10, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sequences, async (calls) => {
      const pair = new Pair(client, uptimeSeconds);
      for (const each of calls) {
        const { real, model } = await pair.call(each);
        expect(model, JSON.stringify(each)).toEqual(real);
      }
      const { real, model } = await pair.left();
      expect(model).toEqual(real);
    }),
    { numRuns: 400 },
  );
});
