// Clients as people wrote them for version 2, which asked less of them: nothing that they do may change a text.

import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { createResumableStreamContext, type Publisher, type Subscriber } from "../../../src/generic.ts";
import { Reading } from "../../support/reading.ts";
import { sourceText, SpecifiedSource } from "../../support/source.ts";

/** Chunks have line ends inside, and a blank at their end. */
const spec = { label: "data: word\n\n", chunks: 10, everyMs: 40, chunkLength: 17 };

describe("a store in memory whose incr counts to NaN from what is no integer", () => {
  test.each([
    ["Number", (value: string | undefined) => Number(value ?? "0") + 1],
    ["parseInt", (value: string | undefined) => Number.parseInt(value ?? "0", 10) + 1],
  ])("by %s: a second tab follows, and the id is done afterwards (G3)", async (_, count) => {
    const { publisher, subscriber } = inMemory({ count });
    const errors: Error[] = [];
    const open = () =>
      createResumableStreamContext({
        waitUntil: null,
        publisher,
        subscriber,
        onError: (error) => errors.push(error),
      });
    await using producing = open();
    await using following = open();
    const { make } = new SpecifiedSource(spec);
    const never = () => expect.unreachable("A second source was made.");
    const first = new Reading(some(await producing.resumableStream("chat", make)));
    const second = new Reading(some(await following.resumableStream("chat", never)));
    expect(await Promise.all([first.ended, second.ended])).toMatchObject([
      { kind: "clean" },
      { kind: "clean" },
    ]);
    expect([first.text, second.text]).toEqual([sourceText(spec), sourceText(spec)]);
    expect(await following.hasExistingStream("chat")).toBe("DONE");
    expect(await following.resumableStream("chat", never)).toBeNull();
    expect(errors).toEqual([]);
  });
});

/** Without expiry, which no test here waits for. */
function inMemory({ count = Number }: { count?: (value: string | undefined) => number } = {}): {
  publisher: Publisher;
  subscriber: Subscriber;
} {
  const values = new Map<string, string>();
  const channels = new EventEmitter();
  const connect = async () => undefined;
  return {
    publisher: {
      connect,
      publish: async (channel, message) => {
        channels.emit(channel, message);
      },
      set: async (key, value) => values.set(key, value),
      get: async (key) => values.get(key) ?? null,
      incr: async (key) => {
        const sum = count(values.get(key));
        values.set(key, String(sum));
        return sum;
      },
    },
    subscriber: {
      connect,
      subscribe: async (channel, callback) => {
        channels.on(channel, callback);
      },
      unsubscribe: async (channel) => channels.removeAllListeners(channel),
    },
  };
}

function some(stream: ReadableStream<string> | null): ReadableStream<string> {
  if (!stream) throw new Error("There is no stream.");
  return stream;
}
