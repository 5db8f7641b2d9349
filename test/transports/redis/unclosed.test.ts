// Contexts made per request, as some apps do, and never closed: once their streams have ended, nothing keeps them; and while one
// runs, what it needs is kept, though its app has let go of the context.

import { expect, inject, onTestFinished, test } from "vitest";
import type { MakeStream } from "../../../src/api/types.ts";
import { createResumableStreamContext } from "../../../src/redis.ts";
import { manualSource } from "../../../src/testing/manual-source.ts";
import { createClients, FAULT_CLIENTS } from "../../support/clients.ts";
import { isEmitter } from "../../support/emitter.ts";
import { heapUsed } from "../../support/heap.ts";
import { Reading } from "../../support/reading.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { untilNoneIsKept } from "../../support/unclosed.ts";

const scenes = FAULT_CLIENTS.flatMap((kind) => [false, true].map((keepText) => ({ kind, keepText })));

const isHeard = (client: unknown): boolean => isEmitter(client) && client.listenerCount("error") > 0;

test.each(scenes)(
  "over $kind, keepText $keepText: of 500 contexts whose streams have ended no onError is kept",
  async ({ kind, keepText }) => {
    const clients = await createClients(kind, inject("redisUrl"));
    onTestFinished(() => clients.close());
    const keyPrefix = crypto.randomUUID();
    await untilNoneIsKept((onError) =>
      createResumableStreamContext({ ...clients, keepText, keyPrefix, waitUntil: null, onError }),
    );
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
