// The command line, as a typed value. A mistake in it is a UsageError, shown with a hint.

import { parseArgs } from "node:util";
import { printable } from "./print.ts";
import { closest, didYouMean } from "./typo.ts";

export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Arguments {
  /** Words that name the command, and its operand. */
  words: string[];
  help: boolean;
  version: boolean;
  url: string | undefined;
  isJson: boolean;
  keyPrefix: string | undefined;
  /** Offset to start from. */
  from: number;
  /** The module whose `onEnd` takes what is owed; absent: nothing is handed over. */
  handOver: string | undefined;
}

export function parseArguments(args: readonly string[]): Arguments {
  const { positionals, values } = parse(args);
  return {
    words: positionals,
    help: values.help,
    version: values.version,
    url: values.url,
    isJson: values.json,
    keyPrefix: values["key-prefix"],
    from: parseOffset(values.from),
    handOver: values["hand-over"],
  };
}

const OPTIONS = {
  help: { type: "boolean", short: "h", default: false },
  version: { type: "boolean", short: "v", default: false },
  url: { type: "string" },
  json: { type: "boolean", default: false },
  "key-prefix": { type: "string" },
  from: { type: "string", default: "0" },
  "hand-over": { type: "string" },
} as const;

function parse(args: readonly string[]) {
  const unknown = findUnknown(args);
  if (unknown !== undefined) throw new UsageError(describeUnknown(unknown));
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
  } catch (error) {
    // Node tells of some mistakes in several lines.
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.replaceAll("\n", " "));
  }
}

/** The first option that there isn't, as it was written. */
function findUnknown(args: readonly string[]): string | undefined {
  const { tokens } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: OPTIONS,
    strict: false,
    tokens: true,
  });
  const unknown = tokens.find((token) => token.kind === "option" && !Object.hasOwn(OPTIONS, token.name));
  // Of a group of letters behind one dash, the whole group: "-json" was meant as one.
  return unknown && args[unknown.index]?.replace(/=.*$/s, "");
}

function describeUnknown(written: string): string {
  const names = Object.keys(OPTIONS).map((name) => `--${name}`);
  const meant = closest(names.map((name) => ({ name, written })));
  const hint =
    meant === undefined ? ' An id that begins with a dash goes last, behind " -- ".' : didYouMean([meant]);
  return `Unknown option "${printable(written)}".${hint}`;
}

function parseOffset(word: string): number {
  const offset = Number(word);
  if (/^\d+$/.test(word) && Number.isSafeInteger(offset)) return offset;
  throw new UsageError("--from must be a whole number from 0: an offset in UTF-16 code units.");
}
