// A few at a time, and all of them in the end.

import { expect, test } from "vitest";
import { createDeferred } from "../../src/lib/deferred.ts";
import { Gate } from "../../src/lib/gate.ts";
import { turns } from "../../src/testing/reading.ts";

test("two at a time, in order, whatever becomes of each", async () => {
  const gate = new Gate(2);
  const begun: number[] = [];
  const works = Array.from({ length: 6 }, () => createDeferred<void>());
  const all = works.map((work, index) =>
    gate.run(() => {
      begun.push(index);
      return work.promise;
    }),
  );
  const settled = Promise.allSettled(all);
  await turns(1);
  expect(begun).toEqual([0, 1]);
  works[1]?.reject(new Error("failed"));
  await turns(1);
  expect(begun).toEqual([0, 1, 2]);
  works[0]?.resolve();
  works[2]?.resolve();
  await turns(1);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  for (const work of works) work.resolve();
  const outcomes = await settled;
  expect(outcomes.map(({ status }) => status)).toEqual(
    works.map((_, at) => (at === 1 ? "rejected" : "fulfilled")),
  );
  await turns(1);
  // Nobody is left in it.
  const more = [createDeferred<void>(), createDeferred<void>()];
  for (const [index, work] of more.entries()) {
    void gate.run(() => {
      begun.push(6 + index);
      return work.promise;
    });
  }
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  for (const work of more) work.resolve();
});

test("work that throws at once lets the next one go", async () => {
  const gate = new Gate(1);
  const failing = gate.run(() => {
    throw new Error("at once");
  });
  await expect(failing).rejects.toThrow("at once");
  expect(await gate.run(async () => "next")).toBe("next");
});
