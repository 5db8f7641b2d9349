// Two processes over one NATS server: this one produces a stream, another comes later and resumes it from the start.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pass } from "node:timers/promises";
import { createResumableStreamContext } from "resumable-stream/generic";
import { connectNats } from "./nats.ts";
import { startServer } from "./server.ts";

const ID = "a-walk";
const TEXT =
  "We set out before the sun was up, and by noon we could see the lake below us, as still as glass.";

async function produce(url: string): Promise<void> {
  const { close, ...pair } = await connectNats({ url });
  const context = createResumableStreamContext({ ...pair, waitUntil: null });
  const stream = await context.createNewResumableStream(ID, makeSource);
  await print("producer", stream);
  await context.close();
  await close();
}

async function resume(url: string): Promise<void> {
  const { close, ...pair } = await connectNats({ url });
  const context = createResumableStreamContext({ ...pair, waitUntil: null });
  await print("  resumed", await context.resumeExistingStream(ID, 0));
  await context.close();
  await close();
}

/** Stands for a model: a word at a time. */
function makeSource(): ReadableStream<string> {
  const words = TEXT.split(" ");
  return new ReadableStream({
    pull: async (controller) => {
      const word = words.shift();
      if (word === undefined) return controller.close();
      await pass(150);
      controller.enqueue(`${word} `);
    },
  });
}

async function print(who: string, stream: ReadableStream<string> | null | undefined): Promise<void> {
  if (!stream) return console.log(`${who}   there is no such stream`);
  let text = "";
  for await (const chunk of stream) {
    text += chunk;
    console.log(`${who}   ${JSON.stringify(chunk)}`);
  }
  console.log(`${who}   has all: ${text.trim() === TEXT}`);
}

const given = process.argv[2];
if (given) await resume(given);
else {
  const server = process.env["NATS_URL"] ? undefined : await startServer();
  const url = server?.url ?? process.env["NATS_URL"] ?? "";
  const produced = produce(url);
  await pass(1500);
  const other = fork(import.meta.filename, [url]);
  await Promise.all([produced, once(other, "exit")]);
  await server?.stop();
}
