// Contexts made per request, as some apps do, and never closed: once their streams have ended, nothing keeps them; and while one
// runs, what it needs is kept, though its app has let go of the context.

import { expect, inject, onTestFinished, test } from "vitest";
import type { MakeStream } from "../../../src/api/types.ts";
import { createResumableStreamContext } from "../../../src/redis.ts";
import { manualSource, sourceOf } from "../../../src/testing/manual-source.ts";
import { readWhole } from "../../../src/testing/reading.ts";
import { createClients, FAULT_CLIENTS } from "../../support/clients.ts";
import { isEmitter } from "../../support/emitter.ts";
import { heapUsed } from "../../support/heap.ts";
import { Reading } from "../../support/reading.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { until } from "../../support/wait.ts";

const CONTEXTS = 500;
const AT_ONCE = 20;

const scenes = FAULT_CLIENTS.flatMap((kind) => [false, true].map((keepText) => ({ kind, keepText })));

const isHeard = (client: unknown): boolean => isEmitter(client) && client.listenerCount("error") > 0;

test.each(scenes)(
  "over $kind, keepText $keepText: of 500 contexts whose streams have ended no onError is kept",
  async ({ kind, keepText }) => {
    const clients = await createClients(kind, inject("redisUrl"));
    onTestFinished(() => clients.close());
    const told: WeakRef<() => void>[] = [];
    const keyPrefix = crypto.randomUUID();
    const useOnce = async (n: number): Promise<void> => {
      const onError = (): number => n;
      told.push(new WeakRef(onError));
      const context = createResumableStreamContext({
        ...clients,
        keepText,
        keyPrefix,
        waitUntil: null,
        onError,
      });
      await readWhole(context.resumableStream(`s${n}`, sourceOf(["text"])));
    };
    for (let n = 0; n < CONTEXTS; n += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => useOnce(n + i)));
    const kept = async (): Promise<number> => {
      await heapUsed();
      return told.filter((each) => each.deref() !== undefined).length;
    };
    // A channel is kept for 3 s.
    await until(async () => (await kept()) <= AT_ONCE, {
      what: "the contexts to be collected",
      withinMs: 15_000,
    });
    // Without one an error would end the process.
    expect([clients.publisher, clients.subscriber].map(isHeard)).toEqual([true, true]);
  },
);

test.each(scenes)(
  "over $kind, keepText $keepText: who let go of their contexts hear that a server restarted, and was empty",
  { timeout: 30_000 },
  async ({ kind, keepText }) => {
    await using redis = await RedisServer.start();
    const source = manualSource();
    const open = async () => {
      const clients = await createClients(kind, redis.url);
      onTestFinished(() => clients.close());
      // Nobody finds out by asking: a check is due after hours.
      const livenessMs = 10_000_000;
      const onError = (): void => undefined;
      return createResumableStreamContext({ ...clients, keepText, livenessMs, waitUntil: null, onError });
    };
    const read = async (makeStream?: MakeStream): Promise<Reading> => {
      const context = await open();
      const stream = makeStream
        ? await context.createNewResumableStream("s", makeStream)
        : await context.resumeExistingStream("s");
      if (!stream) throw new Error("There is no stream");
      return new Reading(stream);
    };
    const [own, followed] = [await read(source.makeStream), await read()];
    source.push("one ");
    await followed.reached(4);
    await heapUsed();
    await redis.kill();
    source.push("two ");
    await own.reached(8);
    await heapUsed();
    await redis.restart();
    await followed.reached(8);
    await heapUsed();
    const later = await read();
    await later.reached(8);
    source.end();
    expect(await followed.ended).toEqual({ kind: "clean" });
    expect(await later.ended).toEqual({ kind: "clean" });
    expect(later.text).toBe("one two ");
  },
);
