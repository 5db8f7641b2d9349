// What a command is, and what it may use of the world.

import type { Arguments } from "./args.ts";
import type { ExitCode } from "./exit.ts";

export interface World {
  env: Readonly<Record<string, string | undefined>>;
  /** Prints a line of output. */
  print: (line: string) => void;
  /** Prints a line beside the output. */
  printError: (line: string) => void;
  /** Writes output as it is, and resolves once it is taken. */
  write: (data: string | Uint8Array) => Promise<void>;
  /** Whether a person's terminal shows the output. */
  isTerminal: boolean;
  /** Calls back when the user interrupts, instead of ending the process, until what it returns is called. */
  onInterrupt: (callback: () => void) => () => void;
}

export interface CommandArguments extends Arguments {
  /** The stream's id; empty if the command takes none. */
  streamId: string;
}

export interface Command {
  /** The words that call it. */
  words: readonly string[];
  /** Whether a stream's id follows the words. */
  takesId: boolean;
  /** One line for the usage. */
  summary: string;
  run: (args: CommandArguments, world: World) => Promise<ExitCode>;
}
