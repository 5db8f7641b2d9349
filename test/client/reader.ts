// A reader of resumableFetch's body, and what a test waits for with it.

import { ResumableFetchError } from "../../src/client.ts";
import { read, type Reading } from "../../src/testing/reading.ts";
import { until } from "../support/wait.ts";
import type { ClientScene, Wire } from "./scene.ts";

export function readText(response: Response): Reading {
  return read(response.body?.pipeThrough(new TextDecoderStream()));
}

export async function errorOf(reading: Reading): Promise<ResumableFetchError> {
  const end = await reading.ended;
  if (end.kind === "errored" && end.error instanceof ResumableFetchError) return end.error;
  throw new Error(`The body should have errored, and ${end.kind}`, { cause: end });
}

/** Waits until the client waits before its next attempt, and lets that begin. */
export async function letRetry({ clock, requests }: Wire): Promise<void> {
  const before = requests.length;
  await until(
    () => {
      if (requests.length > before) return true;
      const [delay] = clock.waiting();
      // A longer one isn't a wait, but a deadline.
      if (delay !== undefined && delay <= 10_000) clock.pass(delay);
      return false;
    },
    { what: "the next attempt" },
  );
}

/** Ends the stream once the reader is back: an end before that is one it missed. */
export async function endAfterNext({ source }: ClientScene, reading: Reading): Promise<void> {
  const before = reading.text().length;
  source.push("data: z\n\n");
  await reading.reached(before + 1);
  source.end();
}

/** What a promise rejects with. Asked for at once, so that no rejection is unhandled meanwhile. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It should have been rejected");
}
