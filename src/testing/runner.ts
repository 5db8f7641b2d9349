// The runner a suite is written into: node:test, Vitest, Jest, Bun's, Deno's, or one of your own.

import { systemClock, withDeadline } from "../lib/clock.ts";
import { AssertionError } from "./assert.ts";
import type { Section } from "./section.ts";

/**
 * What a suite needs of a test runner. Those of node:test, Vitest, Jest and Bun fit as they are:
 * `import { describe, test } from "node:test"`.
 */
export interface Runner {
  /** Groups what `define` writes under a name. */
  describe: (name: string, define: () => void) => unknown;
  /** `timeoutMs` is a time limit, for runners that have one of their own; the suite sets its own deadlines too. */
  test: (name: string, run: () => Promise<void>, timeoutMs: number) => unknown;
  /** Where chance starts: a failure names its seed, and the same seed repeats it. @defaultValue another one each run */
  seed?: number | undefined;
}

/** What a test runs over, made for it alone. */
export interface Opened<Subject> {
  subject: Subject;
  /** Ends everything, and rejects where something was left that shouldn't be. */
  close: () => Promise<void>;
}

/** How long a test may take, and how long its end. The slowest ones wait for a few time-outs of seconds. */
const RUN_TIMEOUT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 20_000;

/** The runner that was given, or the globals of the one that runs. */
export function resolveRunner(runner: unknown = globalRunner()): Runner {
  if (isRunner(runner)) return runner;
  throw new TypeError(
    'runner must be { describe, test }: this test runner has no globals of these names. With node:test: import { describe, test } from "node:test", and pass { describe, test }.',
  );
}

function globalRunner(): unknown {
  const { describe, it, test } = globalThis as { describe?: unknown; it?: unknown; test?: unknown };
  return { describe, test: test ?? it };
}

function isRunner(value: unknown): value is Runner {
  if (typeof value !== "object" || value === null || !("describe" in value && "test" in value)) return false;
  return typeof value.describe === "function" && typeof value.test === "function";
}

/** Writes sections into the runner. `open` is called once a test. */
export function describeSections<Subject>(
  sections: readonly Section<Subject>[],
  { runner, open }: { runner: Runner; open: () => Promise<Opened<Subject>> },
): void {
  for (const { name, promises } of sections) {
    runner.describe(name, () => {
      for (const promised of promises) {
        const timeoutMs = RUN_TIMEOUT_MS + CLOSE_TIMEOUT_MS;
        runner.test(promised.name, () => runOne(open, promised.run), timeoutMs);
      }
    });
  }
}

async function runOne<Subject>(
  open: () => Promise<Opened<Subject>>,
  run: (subject: Subject) => Promise<void>,
): Promise<void> {
  const { subject, close } = await bounded("setting the test up", open(), CLOSE_TIMEOUT_MS);
  try {
    await bounded("the promise", run(subject), RUN_TIMEOUT_MS);
  } catch (error) {
    // A failure found at the end is a consequence, and would hide the cause.
    await bounded("the end of the test", close(), CLOSE_TIMEOUT_MS).catch(() => undefined);
    throw error;
  }
  await bounded("the end of the test", close(), CLOSE_TIMEOUT_MS);
}

function bounded<T>(what: string, promise: Promise<T>, timeoutMs: number): Promise<T> {
  const late = (): Error =>
    new AssertionError(`${what} took longer than ${timeoutMs} ms: something it waits for never settled`);
  return withDeadline(systemClock, promise, { timeoutMs, late });
}
