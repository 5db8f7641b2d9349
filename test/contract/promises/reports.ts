// onEvent and onError: ids and offsets, and never text (G11).

import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import type { StreamEvent } from "../../../src/api/types.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource, sourceOf } from "../manual-source.ts";
import { expectClosed, expectSameText, read, readWhole, until } from "../reading.ts";

export function describeReports(contract: Contract): void {
  describe("reports", () => {
    test("onEvent is told of a stream produced, followed and ended", async () => {
      const produced: StreamEvent[] = [];
      const followed: StreamEvent[] = [];
      const first = await contract.createContext({ onEvent: (event) => produced.push(event) });
      const second = await contract.createContext({ onEvent: (event) => followed.push(event) });
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      source.push("0123456789");
      await primary.reached(10);
      const follower = read(await second.resumeExistingStream(id, 4));
      source.end();
      await expectClosed(follower, "456789");

      await until(() => {
        expect(produced).toEqual([
          { type: "producing", streamId: id },
          { type: "ended", streamId: id, role: "producer", end: "done", offset: 10 },
        ]);
        expect(followed).toEqual([
          { type: "following", streamId: id, offset: 4 },
          { type: "ended", streamId: id, role: "follower", end: "done", offset: 10 },
        ]);
      });
    });

    test("onEvent tells a failed, a stopped and a done stream apart", async () => {
      const events: StreamEvent[] = [];
      const context = await contract.createContext({ onEvent: (event) => events.push(event) });
      const [failed, stopped] = [freshId(), freshId()];
      const source = manualSource();
      const failing = read(await context.createNewResumableStream(failed, source.makeStream));
      const stopping = read(await context.createNewResumableStream(stopped, manualSource().makeStream));
      source.fail(new Error("broken"));
      await context.stopStream(stopped);
      await Promise.all([failing.ended, stopping.ended]);
      await until(() => {
        expect(events).toContainEqual({
          type: "ended",
          streamId: failed,
          role: "producer",
          end: "failed",
          offset: 0,
        });
        expect(events).toContainEqual({
          type: "ended",
          streamId: stopped,
          role: "producer",
          end: "stopped",
          offset: 0,
        });
      });
    });

    test("callbacks that throw harm no stream", async () => {
      const broken = () => {
        throw new Error("broken callback");
      };
      const [first, second] = [
        await contract.createContext({ onEvent: broken, onError: broken }),
        await contract.createContext({ onEvent: broken, onError: broken }),
      ];
      const id = freshId();
      const source = manualSource();
      const primary = read(await first.createNewResumableStream(id, source.makeStream));
      const follower = read(await second.resumeExistingStream(id));
      source.push("text");
      source.end();
      await expectClosed(primary, "text");
      await expectClosed(follower, "text");
      expectSameText(await readWhole(first.resumableStream(freshId(), sourceOf(["next"]))), "next");
    });

    test("no text is in events, errors or on the console, however a stream ends", async () => {
      const spies = (["log", "info", "warn", "error", "debug"] as const).map((method) =>
        vi.spyOn(console, method).mockImplementation(() => undefined),
      );
      const seen: unknown[] = [];
      const options = {
        onEvent: (event: StreamEvent) => seen.push(event),
        onError: (error: unknown) => seen.push(error),
      };
      const [first, second] = [await contract.createContext(options), await contract.createContext(options)];
      const secret = "my-secret-words";

      const endings: ((id: string, source: ReturnType<typeof manualSource>) => Promise<unknown> | void)[] = [
        (_, source) => source.end(),
        (_, source) => source.fail(new Error("broken")),
        (id) => second.stopStream(id),
        () => first.close(),
      ];
      for (const end of endings) {
        const id = freshId();
        const source = manualSource();
        const primary = read(await first.createNewResumableStream(id, source.makeStream));
        const follower = read(await second.resumeExistingStream(id));
        source.push(secret);
        await Promise.all([primary.reached(secret.length), follower.reached(secret.length)]);
        await end(id, source);
        for (const ended of await Promise.all([primary.ended, follower.ended])) {
          if (ended.kind === "errored") seen.push(ended.error);
        }
      }
      await second.close();
      const printed = spies.flatMap((spy) => spy.mock.calls);
      for (const spy of spies) spy.mockRestore();
      expect(inspect([seen, printed], { depth: Infinity, maxStringLength: Infinity })).not.toContain(secret);
    });
  });
}
