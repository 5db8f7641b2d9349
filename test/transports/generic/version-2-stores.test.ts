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
    ["Number", (value: string) => Number(value) + 1],
    ["parseInt", (value: string) => Number.parseInt(value, 10) + 1],
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

describe("a subscriber that changes messages", () => {
  test.each<[string, (message: string) => string]>([
    ["cuts them at a line end, as a REST API's events do", (message) => message.split("\n")[0] ?? ""],
    ["cuts them, and adds a blank line", (message) => `${message.split("\n")[0]}\n\n`],
    ["adds a blank line", (message) => `${message}\n\n`],
    ["trims them", (message) => message.trim()],
    ["makes CRLF of LF", (message) => message.replaceAll("\n", "\r\n")],
  ])("that %s gives no wrong text, and no clean end before the text's (G1)", async (_, change) => {
    const { publisher, subscriber } = inMemory();
    const changing: Subscriber = {
      ...subscriber,
      subscribe: (channel, callback) => subscriber.subscribe(channel, (message) => callback(change(message))),
    };
    const options = {
      waitUntil: null,
      publisher,
      ackTimeoutMs: 100,
      livenessMs: 300,
      onError: () => undefined,
    };
    await using producing = createResumableStreamContext({ ...options, subscriber });
    await using following = createResumableStreamContext({ ...options, subscriber: changing });
    const first = new Reading(
      some(await producing.createNewResumableStream("chat", new SpecifiedSource(spec).make)),
    );
    const resumed = await following.resumeExistingStream("chat").catch(() => undefined);
    // A caller that is told of none, or of an outage, has no text.
    const second = resumed ? new Reading(resumed) : undefined;
    const end = await second?.ended;
    const { text = "" } = second ?? {};
    expect(text).toBe(end?.kind === "clean" ? sourceText(spec) : sourceText(spec).slice(0, text.length));
    await first.ended;
    expect(first.text).toBe(sourceText(spec));
  });
});

test("a subscriber that gives parsed JSON in place of strings is told of", async () => {
  const { publisher, subscriber } = inMemory();
  const parsing: Subscriber = {
    ...subscriber,
    // As a client in JavaScript does, whatever the types say.
    subscribe: (channel, callback) =>
      subscriber.subscribe(channel, (message) =>
        callback(message.startsWith("{") ? (JSON.parse(message) as string) : message),
      ),
  };
  const codes: unknown[] = [];
  const onError = ({ code }: { code: string }) => codes.push(code);
  const options = { waitUntil: null, publisher, ackTimeoutMs: 100, onError };
  await using producing = createResumableStreamContext({ ...options, subscriber: parsing });
  await using following = createResumableStreamContext({ ...options, subscriber });
  await producing.createNewResumableStream("chat", () => new ReadableStream());
  expect(await following.resumeExistingStream("chat")).toBeUndefined();
  expect(codes).toContain("MALFORMED_MESSAGE");
});

/** Without expiry, which no test here waits for. */
function inMemory({ count = (value) => Number(value) + 1 }: { count?: (value: string) => number } = {}): {
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
        const sum = count(values.get(key) ?? "0");
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
