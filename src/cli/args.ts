// The command line, as a typed value. A mistake in it is a UsageError, shown with a hint.

import { parseArgs } from "node:util";

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
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        version: { type: "boolean", short: "v", default: false },
        url: { type: "string" },
        json: { type: "boolean", default: false },
        "key-prefix": { type: "string" },
        from: { type: "string", default: "0" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseOffset(word: string): number {
  const offset = Number(word);
  if (/^\d+$/.test(word) && Number.isSafeInteger(offset)) return offset;
  throw new UsageError("--from must be a whole number from 0: an offset in UTF-16 code units.");
}
