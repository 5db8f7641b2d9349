// onEvent and onError: ids and offsets, and never text (G11).

import type { StreamEvent } from "../../api/common-options.ts";
import { equal, deepEqual, contains, expectSameText } from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource, sourceOf } from "../manual-source.ts";
import { mentions, overhear } from "../overhear.ts";
import { expectClosed, read, readWhole, until } from "../reading.ts";
import { section, type Section } from "../section.ts";

export const reportPromises: Section<Contract> = section("reports", (promise) => {
  promise("onEvent is told of a stream produced, followed and ended", async (contract) => {
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
      deepEqual(produced, [
        { type: "producing", streamId: id },
        { type: "ended", streamId: id, role: "producer", end: "done", offset: 10 },
      ]);
      deepEqual(followed, [
        { type: "following", streamId: id, offset: 4 },
        { type: "ended", streamId: id, role: "follower", end: "done", offset: 10 },
      ]);
    });
  });

  promise("onEvent tells a failed, a stopped and a done stream apart", async (contract) => {
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
      contains(events, {
        type: "ended",
        streamId: failed,
        role: "producer",
        end: "failed",
        offset: 0,
      });
      contains(events, {
        type: "ended",
        streamId: stopped,
        role: "producer",
        end: "stopped",
        offset: 0,
      });
    });
  });

  for (const [how, broken] of [
    [
      "throw",
      () => {
        throw new Error("broken callback");
      },
    ],
    ["reject", () => Promise.reject(new Error("broken callback"))],
  ] satisfies [string, () => unknown][]) {
    promise(`callbacks that ${how} harm no stream`, async (contract) => {
      // An error that a callback throws is printed: here on purpose.
      await overhear(async () => {
        const callbacks = { onEvent: broken, onError: broken, waitUntil: broken };
        const [first, second] = [
          await contract.createContext(callbacks),
          await contract.createContext(callbacks),
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
    });
  }

  promise("onEvent is told nothing of a follower where a call gives no stream", async (contract) => {
    const events: StreamEvent[] = [];
    const first = await contract.createContext();
    const second = await contract.createContext({ onEvent: (event) => events.push(event) });
    const id = freshId();
    equal(await second.resumeExistingStream(id), undefined);
    await readWhole(first.resumableStream(id, sourceOf(["text"])));
    await until(async () => equal(await second.hasExistingStream(id), "DONE"));
    equal(await second.resumeExistingStream(id), null);
    equal(await second.resumableStream(id, sourceOf(["more"])), null);
    deepEqual(events, []);
  });

  promise("no text is in events, errors or on the console, however a stream ends", async (contract) => {
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
    const printed = await overhear(async () => {
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
    });
    equal(mentions([seen, printed], secret), false, "text was told or printed");
  });
});
