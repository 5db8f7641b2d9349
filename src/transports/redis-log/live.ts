// Live text: what a write publishes beside what it stores.

import type { EndKind, Page } from "../../port/transport.ts";
import { decodeRun } from "./runs.ts";

/** The longest head: four numbers, an end, a kind. */
const MAX_HEAD = 100;
const HEAD = /^(\d{1,16}) (\d{1,16}) (\d{1,16}) (-|done|failed|stopped|lost) ([tj])$/;

/** Undefined if somebody else wrote to the channel. */
export function parseLive(message: string): Page | undefined {
  const headEnd = message.slice(0, MAX_HEAD).indexOf("\n");
  const [, epoch, from, stop, end = "-", kind = "t"] =
    HEAD.exec(message.slice(0, Math.max(headEnd, 0))) ?? [];
  if (epoch === undefined) return undefined;
  const text = textOf(kind, message.slice(headEnd + 1));
  if (text?.length !== Number(stop) - Number(from)) return undefined;
  const page: Page = { epoch: Number(epoch), from: Number(from), text, tail: Number(stop) };
  if (end !== "-") page.end = end as EndKind;
  return page;
}

function textOf(kind: string, chunk: string): string | undefined {
  try {
    return decodeRun(kind, chunk);
  } catch {
    return undefined;
  }
}

/** A message without text: followers have a reason to look. */
export const MOVED = "moved";
