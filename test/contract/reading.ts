// A reader under test: reads on its own, and tells how far it came and how it ended.

import { expect, vi } from "vitest";
import { ResumableStreamError, type ResumableStreamErrorCode } from "../../src/api/errors.ts";

export type ReadingEnd = { kind: "closed"; text: string } | { kind: "errored"; text: string; error: unknown };

export interface Reading {
  /** What arrived so far. */
  text: () => string;
  /** Resolves once this many code units arrived; rejects where the stream ends before. */
  reached: (length: number) => Promise<void>;
  /** Never rejects. */
  ended: Promise<ReadingEnd>;
  /** Leaves, as a browser does that closes its tab. */
  leave: () => Promise<void>;
}

type Answer = ReadableStream<string> | null | undefined;

export function read(stream: Answer): Reading {
  if (!(stream instanceof ReadableStream)) throw new Error(`expected a stream, got ${String(stream)}`);
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
      waiter.reject(new Error(`ended at ${text.length}, before ${waiter.length}`, { cause: error?.cause }));
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

/** Reads to a clean end; throws what the stream errored with. */
export async function readWhole(stream: Answer | Promise<Answer>): Promise<string> {
  const end = await read(await stream).ended;
  if (end.kind === "errored") throw end.error;
  return end.text;
}

/** Fails with two short lines where two long texts differ, instead of a diff of megabytes. */
export function expectSameText(actual: string, expected: string): void {
  if (actual === expected) return;
  let at = 0;
  while (at < expected.length && actual.charCodeAt(at) === expected.charCodeAt(at)) at += 1;
  const around = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 20));
  expect.fail(
    `texts of ${actual.length} and ${expected.length} units differ at ${at}: got ${around(actual)}, not ${around(expected)}`,
  );
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
  if (end.kind === "closed") expect.fail(`closed cleanly at ${end.text.length}, not with ${code}`);
  expectSameText(end.text, text);
  return expectCode(end.error, code);
}

export async function expectRejection(
  promise: Promise<unknown>,
  code: ResumableStreamErrorCode,
): Promise<ResumableStreamError> {
  return expectCode(await rejectionOf(promise), code);
}

/** The promise is that it settles: the test's own deadline fails it where it doesn't. */
export async function expectResolved(promise: Promise<unknown>): Promise<void> {
  expect(await promise.then(() => "resolved")).toBe("resolved");
}

export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`resolved to ${String(value)}, and should have rejected`),
    (error: unknown) => error,
  );
}

function expectCode(error: unknown, code: ResumableStreamErrorCode): ResumableStreamError {
  if (!(error instanceof ResumableStreamError)) {
    throw new Error(`expected a ResumableStreamError ${code}, got ${String(error)}`, { cause: error });
  }
  expect(error.code).toBe(code);
  return error;
}

/** Awaits a condition that another process decides, so that only asking again can tell. */
export async function until(check: () => Promise<void> | void): Promise<void> {
  await vi.waitFor(check, { timeout: 10_000, interval: 10 });
}
