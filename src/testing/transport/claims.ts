// What is asked of claims: one at a time, each with a higher epoch, and the last one alone writes.

import { equal } from "../assert.ts";
import { freshId } from "../contract.ts";
import { until } from "../reading.ts";
import { section, type Section } from "../section.ts";
import { openEar, ScriptedProducer, type TransportPort } from "./port.ts";

export const claimPromises: Section<TransportPort> = section("claims", (promise) => {
  promise("of many at once for a free id exactly one is won", async (port) => {
    const transports = [1, 2, 3].map(() => port.createTransport());
    for (let round = 0; round < 5; round += 1) {
      const id = freshId();
      const producers = Array.from({ length: 12 }, () => new ScriptedProducer());
      const epochs = await Promise.all(
        producers.map(async (producer, caller) => {
          const transport = transports[caller % transports.length];
          return transport && producer.claim(transport, id);
        }),
      );
      equal(epochs.filter((epoch) => epoch !== undefined).length, 1, "claims won");
      await producers[epochs.findIndex((epoch) => epoch !== undefined)]?.finish("done");
    }
  });

  promise("a claim is not won while its stream runs, nor when it is done", async (port) => {
    const [one, other] = [port.createTransport(), port.createTransport()];
    const id = freshId();
    const [first, second] = [new ScriptedProducer(), new ScriptedProducer()];
    await first.claim(one, id);
    for (const mode of ["if-free", "if-absent"] as const)
      equal(await second.claim(other, id, mode), undefined);
    await first.finish("done", "text");
    for (const mode of ["if-free", "if-absent"] as const)
      equal(await second.claim(other, id, mode), undefined);
    equal(first.fencedTimes, 0, "how often the first was fenced");
  });

  promise(
    "a claim that supersedes is won, has a higher epoch, and the older producer is told",
    async (port) => {
      const [one, other] = [port.createTransport(), port.createTransport()];
      for (const newer of [other, one]) {
        const id = freshId();
        const [first, second] = [new ScriptedProducer(), new ScriptedProducer()];
        const older = await first.claim(one, id, "supersede");
        await first.append("old");
        const epoch = await second.claim(newer, id, "supersede");
        equal((epoch ?? 0) > (older ?? 0), true, "the epoch is higher");
        // At the latest by its next append.
        await first.append(" and late");
        await until(() => equal(first.fencedTimes > 0, true, "the older producer was fenced"));
        equal(second.fencedTimes, 0, "how often the newer was fenced");
        await second.finish("done");
      }
    },
  );

  promise("what a superseded producer appends or ends changes nothing", async (port) => {
    // Where its text ends the newer one's goes on, or there is nothing yet.
    for (const text of ["old", "old text, old text"]) await superseded(port, text);
  });

  promise(
    "the id of a failed stream is free: the next claim has a higher epoch, and none of its text",
    async (port) => {
      const [one, other] = [port.createTransport(), port.createTransport()];
      const id = freshId();
      const [first, second] = [new ScriptedProducer(), new ScriptedProducer()];
      const older = await first.claim(one, id);
      await first.append("failed text");
      await first.finish("failed");
      await until(async () => {
        const epoch = await second.claim(other, id);
        equal((epoch ?? 0) > (older ?? 0), true, "won, with a higher epoch");
      });
      await second.append("next");
      const ear = await openEar(one, id);
      equal((await ear.page()).text, "next");
      ear.close();
      await second.finish("done");
    },
  );

  promise(
    "a failed stream whose text is kept is left to be read by a claim that is if-absent",
    async (port) => {
      const [one, other] = [port.createTransport(), port.createTransport()];
      if (!one.keepsText) return;
      const id = freshId();
      const [first, second] = [new ScriptedProducer(), new ScriptedProducer()];
      await first.claim(one, id);
      await first.append("kept");
      await first.finish("failed");
      equal(await second.claim(other, id, "if-absent"), undefined);
      const ear = await openEar(other, id);
      const page = await ear.page();
      equal(page.text, "kept");
      equal(page.end, "failed");
      ear.close();
      equal(typeof (await second.claim(other, id, "if-free")), "number");
      await second.finish("done");
    },
  );

  promise("transports with different key prefixes don't see each other's streams", async (port) => {
    const [mine, theirs] = [port.createTransport(), port.createTransport({ keyPrefix: freshId("prefix") })];
    const id = freshId();
    const producer = new ScriptedProducer();
    await producer.claim(mine, id);
    equal(await theirs.status(id), "absent");
    await producer.finish("done");
    equal(await theirs.status(id), "absent");
  });
});

async function superseded(port: TransportPort, oldText: string): Promise<void> {
  const [one, other] = [port.createTransport(), port.createTransport()];
  const id = freshId();
  const [older, newer] = [new ScriptedProducer(), new ScriptedProducer()];
  await older.claim(one, id);
  await older.append(oldText);
  const epoch = await newer.claim(other, id, "supersede");
  await newer.append("new");
  await older.append(" and more");
  const ear = await openEar(other, id);
  const before = await ear.page({ epoch });
  equal(before.text, "new");
  equal(before.epoch, epoch);
  await older.finish("done", " and an end");
  equal(await other.status(id), "running");
  const after = await ear.page({ epoch });
  equal(after.text, "new");
  equal(after.end, undefined);
  ear.close();
  await newer.finish("done", " text");
  equal(await one.status(id), "done");
}
