// What an error of a database tells, and that it quotes no text of a stream (G11).

import { inspect } from "node:util";
import { expect, test } from "vitest";
import { isServerError, toError } from "../../../src/transports/postgres/database.ts";

const TEXT = "text of a stream";
const row = `Failing row contains (${TEXT}).`;

function failure(fields: Record<string, string>, message = "refused"): Error {
  return Object.assign(new Error(message), fields);
}

test.each([
  ["a row that a constraint refuses", failure({ code: "23514", detail: row }), "23514"],
  ["the same, thrown as a plain object", { message: "refused", code: "23514", detail: row }, "23514"],
  ["a value that can't be read", failure({ code: "22P02" }, `invalid input: "${TEXT}"`), "22P02"],
  ["the same of another realm", { message: `invalid input: "${TEXT}"`, code: "22P02" }, "22P02"],
  ["a table that is missing", failure({ code: "42P01", internalQuery: `select '${TEXT}'` }), "42P01"],
  ["an object that says nothing", { values: [TEXT] }, undefined],
])("%s: quotes no text, here or in its cause", (_, cause, code) => {
  const error = toError("ask the database", cause);
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(TEXT);
  expect(error.cause).toBeInstanceOf(Error);
  expect((error.cause as { code?: string }).code).toBe(code);
  // It tells a refusal from an outage as the first one did.
  expect(isServerError(error.cause)).toBe(isServerError(cause));
});

test("its cause has the message of the first", () => {
  expect(toError("ask the database", failure({ code: "23514", detail: row })).cause).toMatchObject({
    message: "refused",
  });
  expect(toError("ask the database", "full").cause).toMatchObject({ message: "full" });
});
