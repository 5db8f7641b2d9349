// Readers of one text in one process, over the bridge to Node.

import { afterEach, beforeEach, vi } from "vitest";
import { streamResponse, type StreamResponseOptions } from "../../src/http.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { read } from "../../src/testing/reading.ts";
import { NodeSink, sendByNode } from "./over-node.ts";

export let context: ResumableStreamContext;
let ids = 0;
export let id = "";

beforeEach(() => {
  id = `fan-out-${++ids}`;
  context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await context.close();
});

export async function produce() {
  const source = manualSource();
  const stream = await context.createNewResumableStream(id, source.makeStream);
  if (!stream) throw new Error("No stream");
  let units = 0;
  const reading = read(stream);
  /** Gives chunks, and waits until readers have been given them. */
  const push = async (...chunks: string[]): Promise<void> => {
    units += chunks.join("").length;
    source.push(...chunks);
    await reading.reached(units);
    await settled();
  };
  return { source, stream, reading, push };
}

/** Once all that was announced has been written. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export interface Reader {
  sink: NodeSink;
  sent: Promise<void>;
  errors: unknown[];
}

export interface ReaderOptions {
  from?: number | string;
  maxWaiting?: number;
  response?: StreamResponseOptions;
}

export async function attach({ from = 0, maxWaiting, response }: ReaderOptions = {}): Promise<Reader> {
  const stream = await context.resumeExistingStream(id, from);
  const sink = new NodeSink(maxWaiting === undefined ? {} : { maxWaiting });
  const errors: unknown[] = [];
  const sent = sendByNode(streamResponse(stream, response), sink, (error) => errors.push(error));
  await settled();
  return { sink, sent, errors };
}

/** What a reader of the same gets by web streams alone. */
export async function reference({ from = 0, response }: ReaderOptions = {}) {
  const stream = await context.resumeExistingStream(id, from);
  const body = streamResponse(stream, response).body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const done = (async () => {
    for (;;) {
      const next = await body?.read();
      if (!next || next.done) return;
      text += decoder.decode(next.value, { stream: true });
    }
  })().catch(() => undefined);
  return { done, text: () => text };
}

export const event = (n: number): string => `data: event ${n}\n\n`;
/** How many different bodies they have by now. */
export const bodiesOf = (readers: Reader[]): number => new Set(readers.map(({ sink }) => sink.text)).size;
