// Followers whose stream nobody reads and nobody cancels, as that of a response which a framework drops.

import { expect, onTestFinished, test } from "vitest";
import { Follower } from "../../src/engine/follower.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemRandom } from "../../src/lib/random.ts";
import { createResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { memoryConnection, sharedMemoryBus } from "../../src/transports/memory/memory-connection.ts";
import { relayTransport } from "../../src/transports/relay/relay.ts";
import { until } from "../support/wait.ts";

test("one that has its end is kept by nobody, though it isn't read, and gives its text to who reads it late (G8)", async () => {
  const keyPrefix = "unread-followers";
  const producing = createResumableStreamContext({ waitUntil: null, keyPrefix });
  onTestFinished(() => producing.close());
  const source = manualSource();
  await producing.createNewResumableStream("chat", source.makeStream);
  const transport = relayTransport({
    connection: memoryConnection(sharedMemoryBus()),
    keyPrefix,
    settings: { retentionSeconds: 60, ackTimeoutMs: 2_000, livenessMs: 3_000, lingerMs: 5_000 },
    claimTimeoutMs: 2_000,
    clock: systemClock,
    random: systemRandom,
    onError: () => undefined,
  });
  onTestFinished(() => transport.close());
  let isKept = true;
  const follower = new Follower({
    transport,
    streamId: "chat",
    from: 0,
    livenessMs: 3_000,
    clock: systemClock,
    onEnded: () => undefined,
    onClosed: () => {
      isKept = false;
    },
  });
  await follower.attach();
  source.push("some text");
  source.end();
  await until(() => !isKept, { what: "the follower to be let go" });
  expect(await read(follower.stream).ended).toEqual({ kind: "closed", text: "some text" });
});
