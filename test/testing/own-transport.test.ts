// A pub/sub that this library wasn't planned for keeps every promise: NATS, by the example.

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { connectNats, type NatsPair } from "../../examples/own-transport/nats.ts";
import { type NatsServer, startServer } from "../../examples/own-transport/server.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/generic.ts";
import { describePubSub, type Runner } from "../../src/testing.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { until } from "../support/wait.ts";

// Most of the promises wait for something: at once they take seconds.
vi.setConfig({ maxConcurrency: 50 });
const runner: Runner = { describe: describe.concurrent, test };

let server: NatsServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

describePubSub(
  "NATS",
  () => {
    const pairs: NatsPair[] = [];
    return {
      createPair: async () => {
        const pair = await connectNats({ url: server.url });
        pairs.push(pair);
        return pair;
      },
      dispose: async () => {
        await Promise.all(pairs.map((pair) => pair.close()));
      },
    };
  },
  runner,
);

// The suite can't restart a server.
test.concurrent("over NATS, a reader that was there when the server restarted has the whole text", async ({
  onTestFinished,
}) => {
  const own = await startServer();
  onTestFinished(() => own.stop());
  const open = async (): Promise<ResumableStreamContext> => {
    const { publisher, subscriber, close } = await connectNats({ url: own.url });
    const onError = (): void => undefined;
    const context = createResumableStreamContext({ waitUntil: null, onError, publisher, subscriber });
    onTestFinished(async () => {
      await context.close();
      await close();
    });
    return context;
  };
  const [producer, follower] = await Promise.all([open(), open()]);
  const source = manualSource();
  await producer.createNewResumableStream("chat", source.makeStream);
  const reading = read(await follower.resumeExistingStream("chat"));
  source.push("before, ");
  await reading.reached(8);

  await own.restart();
  source.push("and after");
  await reading.reached(17);
  source.end();
  expect(await reading.ended).toEqual({ kind: "closed", text: "before, and after" });
  const isDone = async (): Promise<boolean> => (await follower.hasExistingStream("chat")) === "DONE";
  await until(isDone, { what: "the record of the end" });
});
