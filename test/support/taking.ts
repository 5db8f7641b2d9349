// An app that takes what has ended, in a worker process: a line a call in a file that all processes of a test share.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { setTimeout as pass } from "node:timers/promises";
import type { EndedStream, OnEnd } from "../../src/api/on-end.ts";

export interface TakingSpec {
  /** Where each call is noted. */
  file: string;
  /** Waits until this file is there. @defaultValue settles at once */
  holdFile?: string;
  /** Fails so often in this process. @defaultValue 0 */
  failures?: number;
}

/** A note of a call: whose it was, and what it was given. */
export interface Taken extends Omit<EndedStream, "startedAt" | "error"> {
  pid: number;
  startedAt: string;
  error?: string;
}

const LOOK_MS = 10;

export function takingBy({ file, holdFile, failures = 0 }: TakingSpec): OnEnd {
  let left = failures;
  return async ({ error, ...ended }) => {
    const note = { pid: process.pid, ...ended, ...(error instanceof Error && { error: error.message }) };
    appendFileSync(file, `${JSON.stringify(note)}\n`);
    while (holdFile !== undefined && !existsSync(holdFile)) await pass(LOOK_MS);
    if (left-- > 0) throw new Error("no room for it");
  };
}

export function takenIn(file: string): Taken[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Taken);
}
