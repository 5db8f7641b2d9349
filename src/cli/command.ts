// What a command is, and what it may use of the world.

import type { Arguments } from "./args.ts";

export interface World {
  env: Readonly<Record<string, string | undefined>>;
  print: (line: string) => void;
}

export interface Command {
  /** The words that call it. */
  words: readonly string[];
  /** One line for the usage. */
  summary: string;
  run: (args: Arguments, world: World) => Promise<void>;
}
