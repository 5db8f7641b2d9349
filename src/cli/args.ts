// The command line, as a typed value. A mistake in it is a UsageError, shown with the usage.

import { parseArgs } from "node:util";

export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Arguments {
  /** Words that name the command. */
  words: string[];
  help: boolean;
  url: string | undefined;
}

export function parseArguments(args: readonly string[]): Arguments {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: "boolean", short: "h", default: false }, url: { type: "string" } },
    });
    return { words: positionals, help: values.help, url: values.url };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
