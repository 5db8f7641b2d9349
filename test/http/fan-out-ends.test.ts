// How bodies end that are written together: as each would by itself.

import { describe, expect, test } from "vitest";
import { type DirectReader, trackEnd } from "../../src/engine/ends.ts";
import { endOf, streamResponse } from "../../src/http.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { within } from "../support/wait.ts";
import { attach, bodiesOf, context, event, id, produce, settled } from "./fan-out-scene.ts";
import { NodeSink, sendByNode } from "./over-node.ts";

describe("an end", () => {
  test.each(["done", "stopped"] as const)("of a stream that is %s closes all bodies", async (end) => {
    const { source, push } = await produce();
    const readers = await Promise.all([attach(), attach()]);
    await push(event(1));
    if (end === "done") source.end();
    else await context.stopStream(id);
    for (const { sink } of readers) expect(await within(5_000, "its end", sink.ended)).toBe("closed");
    expect(readers[1]?.sink.text).toMatch(new RegExp(`: resumable-stream end=${end}\n$`));
    expect(bodiesOf(readers)).toBe(1);
  });

  test("of a source that failed breaks all bodies off, after the end's mark, and is told once", async () => {
    const { source, push } = await produce();
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const sinks = await Promise.all(
      [1, 2].map(async () => {
        const sink = new NodeSink();
        void sendByNode(streamResponse(await context.resumeExistingStream(id)), sink, onError);
        return sink;
      }),
    );
    await settled();
    await push(event(1));
    source.fail(new Error("model overloaded"));
    for (const sink of sinks) {
      expect(await within(5_000, "its end", sink.ended)).toBe("broken");
      expect(sink.text).toMatch(/: resumable-stream end=failed\n$/);
    }
    expect(errors.map(String)).toEqual([expect.stringMatching(/SOURCE_FAILED|source/i)]);
  });

  test("by another producer breaks followers off as lost, after what had been announced", async () => {
    const { push } = await produce();
    const readers = await Promise.all([attach(), attach()]);
    await push(event(1));
    await context.createNewResumableStream(id, manualSource().makeStream);
    for (const { sink } of readers) {
      expect(await within(5_000, "its end", sink.ended)).toBe("broken");
      expect(sink.text).toMatch(/event 1\n.*\n\n: resumable-stream end=lost\n$/);
    }
  });

  test("that comes with the last text doesn't overtake it", async () => {
    const stream = new ReadableStream<string>();
    let text = "";
    const reader: DirectReader = {
      text: {
        read: (from) => ({ text: text.slice(from) }),
        end: undefined,
        onceMoved: () => undefined,
        forget: () => undefined,
      },
      from: 0,
      end: () => undefined,
      leave: () => undefined,
      onFailed: () => undefined,
    };
    trackEnd(stream, { from: 0, epoch: () => undefined, tail: () => 0, takeOver: () => reader });
    const sink = new NodeSink();
    void sendByNode(streamResponse(stream), sink);
    await settled();
    text = event(1);
    reader.onFailed(new Error("ended early"));
    expect(await within(5_000, "its end", sink.ended)).toBe("broken");
    expect(sink.text).toContain("data: event 1\n");
  });

  test("of the context breaks them off as well", async () => {
    const { push } = await produce();
    const reader = await attach();
    await push(event(1));
    await context.close();
    expect(await within(5_000, "its end", reader.sink.ended)).toBe("broken");
    expect(reader.sink.text).toMatch(/: resumable-stream end=lost\n$/);
  });

  test("is known of the stream behind a response, as it is of one that is read", async () => {
    const { source } = await produce();
    const streams = await Promise.all([context.resumeExistingStream(id), context.resumeExistingStream(id)]);
    const [stays, leaves] = streams;
    if (!stays || !leaves) throw new Error("No stream");
    const sinks = [new NodeSink(), new NodeSink()] as const;
    void sendByNode(streamResponse(stays), sinks[0]);
    void sendByNode(streamResponse(leaves), sinks[1]);
    await settled();
    sinks[1].destroy();
    source.end();
    expect(await within(5_000, "both ends", Promise.all([endOf(stays), endOf(leaves)]))).toEqual([
      "done",
      undefined,
    ]);
  });
});
