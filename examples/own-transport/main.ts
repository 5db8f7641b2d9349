import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createResumableStreamContext } from "resumable-stream/generic";
import { connectNats } from "./nats.ts";
import { startServer } from "./server.ts";

const TEXT =
  "A stream that is resumable goes on when its reader has left. " +
  "Another reader, in another process, asks for its id, gets what was said, and hears the rest.";

const given = process.env["NATS_URL"];
const server = given ? { url: given, stop: async () => undefined } : await startServer();
const { publisher, subscriber, close } = await connectNats({ url: server.url });
const streams = createResumableStreamContext({ waitUntil: null, publisher, subscriber });

// The second process runs this file too, with the id of the stream.
const id = process.argv[2];
await (id === undefined ? produce() : resume(id));

await streams.close();
await close();
await server.stop();

async function produce(): Promise<void> {
  const streamId = randomUUID();
  const shown = show("producer", await streams.createNewResumableStream(streamId, speak));
  await sleep(1_500);
  const env = { ...process.env, NATS_URL: server.url };
  const second = fork(fileURLToPath(import.meta.url), [streamId], { env });
  await Promise.all([shown, once(second, "exit")]);
  if (second.exitCode !== 0) process.exitCode = 1;
}

async function resume(streamId: string): Promise<void> {
  await show("  resumed", await streams.resumeExistingStream(streamId));
}

function speak(): ReadableStream<string> {
  const words = TEXT.split(/(?<= )/);
  return new ReadableStream({
    async pull(controller) {
      await sleep(150);
      const word = words.shift();
      if (word === undefined) controller.close();
      else controller.enqueue(word);
    },
  });
}

async function show(who: string, stream: ReadableStream<string> | null | undefined): Promise<void> {
  let text = "";
  for await (const chunk of stream ?? []) {
    console.log(`${who}   ${JSON.stringify(chunk)}`);
    text += chunk;
  }
  console.log(`${who}   has all: ${text === TEXT}`);
  if (text !== TEXT) process.exitCode = 1;
}
