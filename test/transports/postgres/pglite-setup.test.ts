// A set-up that fails once: a disk that is busy for a moment, or a driver with errors of its own kind.

import { PGlite } from "@electric-sql/pglite";
import { expect, onTestFinished, test } from "vitest";
import { createPgliteResumableStreamContext } from "../../../src/pglite.ts";

/** An instance whose first set-up fails with this. */
async function openFailing(failure: unknown) {
  const pglite = await PGlite.create();
  const exec = pglite.exec.bind(pglite);
  let failures = 1;
  pglite.exec = async (text) => {
    if (failures-- > 0) throw failure;
    return exec(text);
  };
  const context = createPgliteResumableStreamContext({ pglite, waitUntil: null });
  onTestFinished(async () => {
    await context.close();
    await pglite.close();
  });
  return context;
}

test("is tried again by the next call", async () => {
  const context = await openFailing(new Error("disk is busy for a moment"));
  const answers = Promise.allSettled([context.hasExistingStream("x"), context.hasExistingStream("y")]);
  const busy = { status: "rejected", reason: { code: "TRANSPORT_UNAVAILABLE" } };
  expect(await answers).toMatchObject([busy, busy]);
  expect(await context.hasExistingStream("x")).toBe(null);
});

test.each([
  [{ message: "out of room", code: "53100" }, "out of room (SQLSTATE 53100)"],
  [{ code: "ENOSPC" }, "ENOSPC"],
  [{}, "no reason given"],
  ["full", "full"],
])("says why, if it fails with %o", async (failure, reason) => {
  const context = await openFailing(failure);
  await expect(context.hasExistingStream("x")).rejects.toThrow(`Cannot ask the database: ${reason}.`);
});
