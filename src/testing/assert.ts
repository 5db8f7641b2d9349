// Assertions that need no runner. What they print is short: a text under test may have megabytes.

import { ResumableStreamError, type ResumableStreamErrorCode } from "../port/errors.ts";

/** A promise that was broken. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** How many characters of a text, and how many items of a list, a message shows. */
const MAX_SHOWN_UNITS = 60;
const MAX_SHOWN_ITEMS = 10;

export function fail(message: string): never {
  throw new AssertionError(message);
}

export function equal(actual: unknown, expected: unknown, what = ""): void {
  if (!Object.is(actual, expected)) fail(`${prefixed(what)}expected ${show(expected)}, got ${show(actual)}`);
}

/** Lists and plain objects by what they hold; a property that is undefined is as if it weren't there. */
export function deepEqual(actual: unknown, expected: unknown, what = ""): void {
  if (!isSame(actual, expected)) fail(`${prefixed(what)}expected ${show(expected)}, got ${show(actual)}`);
}

/** A text holds another, or a list something that is the same as `part`. */
export function contains(whole: string | readonly unknown[], part: unknown): void {
  const has =
    typeof whole === "string" ? whole.includes(String(part)) : whole.some((item) => isSame(item, part));
  if (!has) fail(`expected something with ${show(part)}, got ${show(whole)}`);
}

export function hasLength(list: readonly unknown[], length: number): void {
  if (list.length !== length) fail(`expected ${length} items, got ${list.length}: ${show(list)}`);
}

/** Names the first difference of two texts, and shows what is around it. */
export function expectSameText(actual: string, expected: string): void {
  if (actual === expected) return;
  let at = 0;
  while (at < expected.length && actual.charCodeAt(at) === expected.charCodeAt(at)) at += 1;
  const around = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 20), at + 20));
  fail(
    `texts of ${actual.length} and ${expected.length} units differ at ${at}: got ${around(actual)}, not ${around(expected)}`,
  );
}

/** The error that a promise rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => fail(`resolved to ${show(value)}, and should have rejected`),
    (error: unknown) => error,
  );
}

export async function expectRejection(
  promise: Promise<unknown>,
  code: ResumableStreamErrorCode,
): Promise<ResumableStreamError> {
  return expectCode(await rejectionOf(promise), code);
}

/** A caller's mistake: a `TypeError` whose message names the argument. */
export async function expectTypeError(promise: Promise<unknown>, argument: string): Promise<void> {
  const error = await rejectionOf(promise);
  if (!(error instanceof TypeError) || !error.message.includes(argument)) {
    fail(`expected a TypeError that names ${argument}, got ${show(error)}`);
  }
}

export function expectCode(error: unknown, code: ResumableStreamErrorCode): ResumableStreamError {
  if (error instanceof ResumableStreamError && error.code === code) return error;
  throw new AssertionError(`expected a ResumableStreamError ${code}, got ${show(error)}`, { cause: error });
}

/** The promise is that it settles: the test's own deadline fails it if it doesn't. */
export async function expectResolved(promise: Promise<unknown>): Promise<void> {
  await promise;
}

/** A value in a message: all of a small one, the beginning of a large one. */
export function show(value: unknown, depth = 3): string {
  if (typeof value === "string") return showText(value);
  if (typeof value === "function") return "a function";
  if (value instanceof Error) return showError(value, depth);
  if (typeof value !== "object" || value === null) return String(value);
  if (depth === 0) return Array.isArray(value) ? "[…]" : "{…}";
  const isList = Array.isArray(value);
  const entries: [string, unknown][] = Object.entries(value);
  const shown = entries.slice(0, MAX_SHOWN_ITEMS).map(([key, item]) => {
    return isList ? show(item, depth - 1) : `${key}: ${show(item, depth - 1)}`;
  });
  const more = entries.length > shown.length ? [`… ${entries.length - shown.length} more`] : [];
  const items = [...shown, ...more].join(", ");
  return isList ? `[${items}]` : `{ ${items} }`;
}

function showText(text: string): string {
  if (text.length <= MAX_SHOWN_UNITS) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, MAX_SHOWN_UNITS))}… (${text.length} units)`;
}

function showError(error: Error, depth: number): string {
  const name = error instanceof ResumableStreamError ? error.code : error.name;
  const cause =
    error.cause === undefined || depth === 0 ? "" : ` (because of ${show(error.cause, depth - 1)})`;
  return `${name}: ${error.message.slice(0, 300)}${cause}`;
}

function prefixed(what: string): string {
  return what && `${what}: `;
}

function isSame(actual: unknown, expected: unknown): boolean {
  if (Object.is(actual, expected)) return true;
  if (!isObject(actual) || !isObject(expected)) return false;
  if (Array.isArray(actual) !== Array.isArray(expected)) return false;
  if (Array.isArray(actual) && Array.isArray(expected) && actual.length !== expected.length) return false;
  const keys = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  return [...keys].every((key) => isSame(actual[key], expected[key]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !(value instanceof Error);
}
