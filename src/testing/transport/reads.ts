// What is asked of reads, watches and stops.

import { turns, until } from "../reading.ts";
import { contains, deepEqual, equal, expectSameText } from "../assert.ts";
import { freshId } from "../contract.ts";
import { systemClock } from "../../lib/clock.ts";
import { splitsPair } from "../../lib/text.ts";
import { section, type Section } from "../section.ts";
import { openEar, ScriptedProducer, type TransportPort } from "./port.ts";

export const readPromises: Section<TransportPort> = section("reads", (promise) => {
  promise("text and end are of one moment: an end never comes with part of the text", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    for (let round = 0; round < 10; round += 1) {
      const id = freshId();
      const producer = new ScriptedProducer();
      const epoch = await producer.claim(one, id);
      await producer.append("first ");
      const ear = await openEar(other, id);
      let isOver = false;
      const reading = (async () => {
        while (!isOver) {
          const page = await ear.page({ epoch });
          equal(page.from + page.text.length, page.tail, "the tail, and where a short text ends");
          expectSameText(page.text, producer.text.slice(page.from, page.tail));
          if (page.end !== undefined) expectSameText(page.text, producer.text);
        }
      })();
      for (let chunk = 0; chunk < 10; chunk += 1) {
        await producer.append(`chunk ${chunk}, `);
        await turns(round % 3);
      }
      const finished = producer.finish("failed", "last");
      // A relay's producer stays for who follows: it doesn't, once that one has left.
      await turns(5);
      isOver = true;
      await reading;
      ear.close();
      await finished;
    }
  });

  promise("a page has at most as many units as were asked for, and cuts no surrogate pair", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    const id = freshId();
    const producer = new ScriptedProducer();
    const epoch = await producer.claim(one, id);
    const text = "a😀b😀😀c€\0😀";
    await producer.append(text);
    const ear = await openEar(other, id);
    for (let from = 0; from <= text.length; from += 1) {
      for (const maxUnits of [0, 1, 2, 3, 5, 100]) {
        const page = await ear.page({ from, maxUnits, epoch });
        const end = page.from + page.text.length;
        equal(page.from <= from, true, `a page from ${from} begins there or before`);
        // One unit more if the page has to begin before a pair, or can't be empty.
        equal(page.text.length <= maxUnits + 1, true, `${page.text.length} units for ${maxUnits}`);
        expectSameText(page.text, text.slice(page.from, end));
        if (page.text.length > 1)
          equal(splitsPair(text, end), false, `a page of ${maxUnits} from ${from} cuts a pair`);
        if (maxUnits > 1 && from < text.length)
          equal(end > from, true, `a page of ${maxUnits} from ${from} has text`);
      }
    }
    ear.close();
    await producer.finish("done");
  });

  promise("a long text is read in pages, all of it", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    const id = freshId();
    const producer = new ScriptedProducer();
    const epoch = await producer.claim(one, id);
    await producer.append("0123456789€\0😀\ud83d".repeat(50_000));
    const ear = await openEar(other, id);
    let text = "";
    while (text.length < producer.text.length) {
      const page = await ear.page({ from: text.length, maxUnits: 260_000, epoch });
      const added = page.text.slice(text.length - page.from);
      equal(added.length > 0, true, `a page from ${text.length} has text`);
      text += added;
    }
    expectSameText(text, producer.text);
    ear.close();
    await producer.finish("done");
  });

  promise("a read from beyond the tail is an empty page that tells the tail", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    const id = freshId();
    const producer = new ScriptedProducer();
    const epoch = await producer.claim(one, id);
    await producer.append("text");
    const ear = await openEar(other, id);
    for (const from of [4, 5, 1_000_000]) {
      const { text, tail } = await ear.page({ from, epoch });
      deepEqual({ text, tail }, { text: "", tail: 4 });
    }
    ear.close();
    await producer.finish("done");
  });

  promise("absent, running, done and failed are told apart", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    const told = async (id: string): Promise<unknown> => {
      const ear = await openEar(other, id);
      const [status, peek, read] = [await other.status(id), await other.peek(id), await ear.read({})];
      ear.close();
      // A peek may leave it to the read.
      if (peek.status !== "running") equal(peek.status, status);
      return { status, read: read.status };
    };
    deepEqual(await told(freshId()), { status: "absent", read: "absent" });
    for (const end of ["done", "stopped", "failed"] as const) {
      const id = freshId(end);
      const producer = new ScriptedProducer();
      await producer.claim(one, id);
      await producer.append("text");
      deepEqual(await told(id), { status: "running", read: "page" });
      await producer.finish(end);
      const failed = one.keepsText
        ? { status: "failed", read: "page" }
        : { status: "absent", read: "absent" };
      await until(
        async () => deepEqual(await told(id), end === "failed" ? failed : { status: "done", read: "done" }),
        { withinMs: 5_000 },
      );
    }
  });

  promise(
    "a follower that came before the end reads the rest of a text that is kept, and the end",
    async (port) => {
      const [one, other] = [port.createTransport(), port.createTransport()];
      if (!one.keepsText) return;
      for (const end of ["done", "stopped", "failed"] as const) {
        const id = freshId(end);
        const producer = new ScriptedProducer();
        const epoch = await producer.claim(one, id);
        await producer.append("before ");
        const ear = await openEar(other, id);
        await ear.page({ epoch });
        await producer.finish(end, "the end");
        const page = await ear.page({ from: 7, epoch });
        deepEqual({ text: page.text, end: page.end, tail: page.tail }, { text: "the end", end, tail: 14 });
        ear.close();
      }
    },
  );
});

export const watchPromises: Section<TransportPort> = section("watches and stops", (promise) => {
  promise("a watch hears of text that is appended after its first read", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    const id = freshId();
    const producer = new ScriptedProducer();
    const epoch = await producer.claim(one, id);
    const ear = await openEar(other, id);
    await ear.page({ epoch });
    ear.signals.length = 0;
    await producer.append("text");
    await until(() => equal(ear.signals.length > 0, true, "a signal came"), { withinMs: 5_000 });
    ear.close();
    await producer.finish("done");
  });

  promise("a watch that was closed hears nothing, and others of its stream go on", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    const id = freshId();
    const producer = new ScriptedProducer();
    const epoch = await producer.claim(one, id);
    const [leaver, stayer] = [await openEar(other, id), await openEar(other, id)];
    await Promise.all([leaver.page({ epoch }), stayer.page({ epoch })]);
    leaver.close();
    leaver.close();
    leaver.signals.length = 0;
    stayer.signals.length = 0;
    await producer.append("text");
    await until(() => equal(stayer.signals.length > 0, true, "a signal came"), { withinMs: 5_000 });
    deepEqual(leaver.signals, []);
    stayer.close();
    await producer.finish("done");
  });

  promise("a stop from another process reaches the producer, with its reason", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    const id = freshId();
    const producer = new ScriptedProducer();
    await producer.claim(one, id);
    await producer.append("text");
    const stopping = other.stop(id, { reason: "enough", epoch: undefined });
    await until(() => contains(producer.stops, "enough"), { withinMs: 5_000 });
    await producer.finish("stopped");
    // A relay asks again until the producer has answered.
    equal(typeof (await stopping), "boolean");
    equal(await other.status(id), "done");
  });

  promise("a stop is false where nothing runs", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    const id = freshId();
    equal(await other.stop(id, { reason: undefined, epoch: undefined }), false);
    const producer = new ScriptedProducer();
    await producer.claim(one, id);
    await producer.finish("done");
    equal(await other.stop(id, { reason: undefined, epoch: undefined }), false);
    equal(await other.status(id), "done");
  });

  promise("a record outlives its end for retentionSeconds, and no longer", async (port) => {
    const [one, other] = [
      port.createTransport({ retentionSeconds: 2 }),
      port.createTransport({ retentionSeconds: 2 }),
    ];
    const id = freshId();
    const [producer, next] = [new ScriptedProducer(), new ScriptedProducer()];
    await producer.claim(one, id);
    await producer.finish("done", "text");
    const endedAt = systemClock.now();
    equal(await other.status(id), "done");
    await until(async () => equal(await other.status(id), "absent"), { withinMs: 5_000 });
    equal(systemClock.now() - endedAt > 500, true, "the record lived for a while");
    equal(typeof (await next.claim(other, id)), "number");
    const ear = await openEar(one, id);
    equal((await ear.page()).text, "");
    ear.close();
    await next.finish("done");
  });

  promise("a transport that runs keeps its claims: a stream outlives its lease", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    const id = freshId();
    const producer = new ScriptedProducer();
    await producer.claim(one, id);
    const since = systemClock.now();
    await until(
      async () => {
        equal(await other.status(id), "running");
        equal(systemClock.now() - since > 2_500, true, "long enough");
      },
      { withinMs: 4_000 },
    );
    equal(producer.fencedTimes, 0);
    await producer.finish("done");
  });

  promise("a transport closes, used or not", async (port) => {
    const [unused, used] = [port.createTransport(), port.createTransport()];
    await unused.close();
    const id = freshId();
    const producer = new ScriptedProducer();
    await producer.claim(used, id);
    const ear = await openEar(used, id);
    await ear.page();
    ear.close();
    await producer.finish("done");
    await used.close();
  });
});
