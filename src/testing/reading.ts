// A reader under test: reads on its own, and tells how far it came and how it ended.

import type { ResumableStreamError, ResumableStreamErrorCode } from "../port/errors.ts";
import { sleep, systemClock } from "../lib/clock.ts";
import { expectCode, expectSameText, fail, show } from "./assert.ts";

export type ReadingEnd = { kind: "closed"; text: string } | { kind: "errored"; text: string; error: unknown };

export interface Reading {
  /** The text that has arrived so far. */
  text: () => string;
  /** Resolves once this many code units arrived; rejects if the stream ends before. */
  reached: (length: number) => Promise<void>;
  /** Never rejects. */
  ended: Promise<ReadingEnd>;
  /** Leaves, as a browser does that closes its tab. */
  leave: () => Promise<void>;
}

/** What a call answered, stream or not. */
export type Answer = ReadableStream<string> | null | undefined;

export function read(stream: Answer): Reading {
  if (!(stream instanceof ReadableStream)) fail(`expected a stream, got ${show(stream)}`);
  const reader = stream.getReader();
  const waiting = new Set<{ length: number; resolve: () => void; reject: (reason: Error) => void }>();
  let text = "";
  const onText = (value: string) => {
    text += value;
    for (const waiter of waiting) {
      if (text.length < waiter.length) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  };
  const ended = drain(reader, onText).then((error): ReadingEnd => {
    for (const waiter of waiting) {
      const how = error === undefined ? "ended cleanly" : `ended with ${show(error.cause)}`;
      waiter.reject(new Error(`${how} at ${text.length}, before ${waiter.length}`, { cause: error?.cause }));
    }
    return error === undefined ? { kind: "closed", text } : { kind: "errored", text, error: error.cause };
  });
  return {
    text: () => text,
    reached: (length) =>
      new Promise((resolve, reject) => {
        if (text.length >= length) resolve();
        else waiting.add({ length, resolve, reject });
      }),
    ended,
    leave: () => reader.cancel("left"),
  };
}

/** Resolves to what it errored with, wrapped so that an error of `undefined` is told from none. */
async function drain(
  reader: ReadableStreamDefaultReader<string>,
  onText: (value: string) => void,
): Promise<{ cause: unknown } | undefined> {
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      onText(value);
    }
  } catch (error) {
    return { cause: error };
  }
}

/** The chunks of a stream, for loops: not every runtime's streams are iterable. */
export async function* chunksOf(stream: Answer): AsyncGenerator<string> {
  if (!(stream instanceof ReadableStream)) fail(`expected a stream, got ${show(stream)}`);
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Reads to a clean end; throws what the stream errored with. */
export async function readWhole(stream: Answer | Promise<Answer>): Promise<string> {
  const end = await read(await stream).ended;
  if (end.kind === "errored") throw end.error;
  return end.text;
}

export async function expectClosed(reading: Reading, text: string): Promise<void> {
  const end = await reading.ended;
  if (end.kind === "errored") throw end.error;
  expectSameText(end.text, text);
}

export async function expectErrored(
  reading: Reading,
  { text, code }: { text: string; code: ResumableStreamErrorCode },
): Promise<ResumableStreamError> {
  const end = await reading.ended;
  if (end.kind === "closed") fail(`closed cleanly at ${end.text.length}, not with ${code}`);
  expectSameText(end.text, text);
  return expectCode(end.error, code);
}

/** Awaits a condition that another process decides, so that only asking again can tell. */
export async function until(
  check: () => Promise<void> | void,
  { withinMs = 10_000 }: { withinMs?: number } = {},
): Promise<void> {
  const deadline = systemClock.now() + withinMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (systemClock.now() > deadline) throw error;
    }
    await sleep(systemClock, 10);
  }
}

/** Lets everything else that waits have its turn. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise<void>((resolve) => systemClock.nextTurn(resolve));
  }
}
