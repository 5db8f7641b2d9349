// What notifications say: which streams moved, and which producers should look at their row. Ids only, never text.

import { channelOf } from "./names.ts";

/** Postgres takes payloads below 8000 bytes. */
const MAX_PAYLOAD_BYTES = 7_900;

/**
 * `moved`: there is text, or an end. `asked`: the producer should look at its row. `followed`: it should mark its row, for a
 * follower that may not. `fence`: a stream, and the epoch that
 * supersedes all before. `proof`: the listener's own.
 */
export type HintKind = "moved" | "asked" | "followed" | "fence" | "proof";

export interface Hints {
  kind: HintKind;
  names: string[];
}

const LETTERS: Readonly<Record<HintKind, string>> = {
  moved: "m",
  asked: "a",
  followed: "w",
  fence: "f",
  proof: "p",
};

/** A channel, and a payload for it. */
export type Said = readonly [channel: string, payload: string];

/** To those who follow a stream: there is text, or an end. */
export function moved(channel: string, hint: string): Said {
  return [channelOf(channel, hint), `${LETTERS.moved} ${hint}`];
}

/** As many payloads as the names need. */
export function encodeHints(kind: HintKind, names: readonly string[]): string[] {
  const payloads: string[] = [];
  let payload = LETTERS[kind];
  for (const name of names) {
    if (payload.length + name.length + 1 > MAX_PAYLOAD_BYTES) {
      payloads.push(payload);
      payload = LETTERS[kind];
    }
    payload += ` ${name}`;
  }
  if (payload.length > 1) payloads.push(payload);
  return payloads;
}

/** Undefined if somebody else wrote to the channel. */
export function parseHints(payload: string): Hints | undefined {
  const [letter, ...names] = payload.split(" ");
  for (const kind of ["moved", "asked", "followed", "fence", "proof"] as const) {
    if (letter === LETTERS[kind]) return { kind, names };
  }
  return undefined;
}
