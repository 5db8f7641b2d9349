// Finds the command and runs it. Exit codes: 0 done, 1 failed, 2 called wrongly.

import { parseArguments, UsageError } from "./args.ts";
import type { Command, World } from "./command.ts";
import { postgresCleanup, postgresSetup } from "./commands/postgres.ts";

const COMMANDS: readonly Command[] = [postgresSetup, postgresCleanup];

export async function main(
  args: readonly string[],
  world: World & { printError: (line: string) => void },
): Promise<number> {
  try {
    const parsed = parseArguments(args);
    if (parsed.help) {
      world.print(usage());
      return 0;
    }
    await find(parsed.words).run(parsed, world);
    return 0;
  } catch (error) {
    world.printError(describe(error));
    if (!(error instanceof UsageError)) return 1;
    world.printError(`\n${usage()}`);
    return 2;
  }
}

function find(words: readonly string[]): Command {
  const command = COMMANDS.find((each) => each.words.join(" ") === words.join(" "));
  if (command) return command;
  throw new UsageError(words.length === 0 ? "No command." : `There is no command "${words.join(" ")}".`);
}

function usage(): string {
  const lines = COMMANDS.map(({ words, summary }) => `  ${words.join(" ").padEnd(18)} ${summary}`);
  return [
    "Usage: resumable-stream <command> [--url postgres://…]",
    "",
    ...lines,
    "",
    "The database is POSTGRES_URL. Tables of other names: POSTGRES_SESSION_TABLE, POSTGRES_CHUNK_TABLE.",
  ].join("\n");
}

/** Of several connection attempts that failed, Node's own error has no message. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(describe).join("\n");
  return error instanceof Error ? error.message : String(error);
}
