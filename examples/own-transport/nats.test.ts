import assert from "node:assert/strict";
import { after, describe, type TestContext, test } from "node:test";
import { createResumableStreamContext } from "resumable-stream/generic";
import { describePubSub, type Runner } from "resumable-stream/testing";
import { connectNats, type NatsPair } from "./nats.ts";
import { startServer } from "./server.ts";

const server = await startServer();
after(() => server.stop());

// No test of the suite disturbs another, and many wait for something: a few at once take less time.
const runner: Runner = {
  describe: (name, define) => describe(name, { concurrency: 8 }, define),
  test,
};

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

// The suite has ended when this one starts: what stands at the top of a file runs one after the other.
test("a reader survives a restart of the server with its whole text", { timeout: 30_000 }, async (t) => {
  const [producer, follower] = await Promise.all([openContext(t), openContext(t)]);
  const { readable, writable } = new TransformStream<string, string>();
  const source = writable.getWriter();
  const original = (await producer.createNewResumableStream("restart", () => readable))?.getReader();
  const resumed = (await follower.resumeExistingStream("restart"))?.getReader();
  assert(original && resumed);

  const writing = source.write("before, ");
  assert.equal(await readUntil(original, "before, "), "before, ");
  assert.equal(await readUntil(resumed, "before, "), "before, ");
  await writing;

  const restarting = server.restart();
  await source.write("meanwhile, ");
  await restarting;
  await source.write("after");
  await source.close();

  for (const reader of [original, resumed]) {
    assert.equal(await readUntil(reader, "after"), "meanwhile, after");
    assert.equal((await reader.read()).done, true);
  }
});

/** A context with a connection of its own stands for a process. */
async function openContext(t: TestContext) {
  const pair = await connectNats({ url: server.url });
  const { publisher, subscriber } = pair;
  const context = createResumableStreamContext({ waitUntil: null, publisher, subscriber });
  t.after(async () => {
    await context.close();
    await pair.close();
  });
  return context;
}

async function readUntil(reader: ReadableStreamDefaultReader<string>, last: string): Promise<string> {
  let text = "";
  while (!text.endsWith(last)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  return text;
}
