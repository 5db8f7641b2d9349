// npm run demo: a reader loses its connection and goes on where it stopped, another joins late, and both end up with
// the source's text. Over memory, or over Redis where REDIS_URL is set: then connections go to two servers in turn.

import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { createReader, type Reader } from "./client.ts";
import { count, createScreen, type Line, paint } from "./screen.ts";
import { serve, streamHandler } from "./server.ts";
import { sourceText } from "./text.ts";

const wordDelayMs = 12;
const offlineMs = 700;
const deadline = AbortSignal.timeout(60_000);

const total = sourceText.length;
const isRedis = Boolean(process.env["REDIS_URL"]);
const screen = createScreen(process.stdout, total);
const lines: [Line, Line] = [
  { name: "reader 1", phase: "waiting", text: "", from: 0 },
  { name: "reader 2", phase: "waiting", text: "", from: 0 },
];

process.exitCode = (await run()) ? 0 : 1;

/** Opens the servers, plays the demo once, and closes everything, so that the process exits by itself. */
async function run(): Promise<boolean> {
  const { createResumableStreamContext } = await (isRedis
    ? import("resumable-stream")
    : import("resumable-stream/memory"));
  // Over Redis each server has a context of its own, as on two machines. Memory is one process' affair.
  const contexts = Array.from({ length: isRedis ? 2 : 1 }, () =>
    createResumableStreamContext({ waitUntil: null }),
  );
  const servers = await Promise.all(
    contexts.map((context) => serve(streamHandler(context, { wordDelayMs }))),
  );
  try {
    const urls = servers.map((server) => server.url);
    const backend = isRedis ? "Redis" : "memory";
    screen.say(`\n  ${paint("bold", "resumable-stream")} over ${backend}, served at ${urls.join(" and ")}\n`);
    return await play(urls);
  } finally {
    await Promise.all([...contexts, ...servers].map((opened) => opened.close()));
  }
}

/** Says whether both readers ended up with the source's text. */
async function play(urls: readonly string[]): Promise<boolean> {
  const streamUrl = inTurn(urls, `/streams/demo-${randomUUID()}`);
  const drop = new AbortController();
  const halfway = new AbortController();

  const first = createReader(streamUrl, (text) => {
    show(lines[0], { text });
    if (text.length >= total / 3) drop.abort();
    if (text.length >= total / 2) halfway.abort();
  });
  const second = createReader(streamUrl, (text) => show(lines[1], { text }));

  await Promise.all([readDropAndResume(first, drop.signal), joinLate(second, halfway.signal)]);
  return compare([first, second]);
}

async function readDropAndResume(reader: Reader, drop: AbortSignal): Promise<void> {
  show(lines[0], { phase: "reading" });
  await reader.read({ signal: AbortSignal.any([drop, deadline]) });
  show(lines[0], { phase: "dropped" });
  await sleep(offlineMs);
  show(lines[0], { phase: "resumed", from: reader.text.length });
  show(lines[0], { phase: await reader.read({ signal: deadline }) });
}

async function joinLate(reader: Reader, halfway: AbortSignal): Promise<void> {
  await once(halfway, "abort");
  show(lines[1], { phase: "joined late" });
  show(lines[1], { phase: await reader.read({ signal: deadline }) });
}

function compare(readers: readonly Reader[]): boolean {
  screen.say("");
  screen.say(`  source    ${count(total)}  sha256 ${sha256(sourceText)}`);
  for (const [index, { text }] of readers.entries()) {
    const length = count(text.length).padStart(count(total).length);
    const verdict = text === sourceText ? paint("green", "equal") : paint("red", "DIFFERENT");
    screen.say(`  reader ${index + 1}  ${length}  sha256 ${sha256(text)}  ${verdict}`);
  }
  screen.say("");
  return readers.every(({ text }) => text === sourceText);
}

function show(line: Line, change: Partial<Line>): void {
  Object.assign(line, change);
  screen.draw(lines);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The next server's address for each connection, as a load balancer without sticky sessions would have it. */
function inTurn(urls: readonly string[], path: string): () => string {
  let connections = 0;
  return () => {
    const url = urls[connections++ % urls.length] ?? "";
    return url + path;
  };
}
