// Finds the command and runs it.

import { checkStreamId } from "../api/options.ts";
import { type Arguments, parseArguments, UsageError } from "./args.ts";
import type { Command, World } from "./command.ts";
import { doctor } from "./commands/doctor.ts";
import { postgresCleanup, postgresSetup } from "./commands/postgres.ts";
import { list, show, stop } from "./commands/streams.ts";
import { tail } from "./commands/tail.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { describeError, printable } from "./print.ts";

const COMMANDS: readonly Command[] = [list, show, tail, stop, doctor, postgresSetup, postgresCleanup];

export async function main(args: readonly string[], world: World): Promise<ExitCode> {
  try {
    const parsed = parseArguments(args);
    if (parsed.help) {
      world.print(usage());
      return EXIT.done;
    }
    const command = find(parsed.words);
    return await command.run({ ...parsed, streamId: findId(command, parsed) }, world);
  } catch (error) {
    world.printError(describeError(error));
    if (!(error instanceof UsageError)) return EXIT.failed;
    world.printError(`\n${usage()}`);
    return EXIT.usage;
  }
}

function find(words: readonly string[]): Command {
  const command = COMMANDS.find((each) => {
    const isCalled = each.words.every((word, index) => words[index] === word);
    return isCalled && (each.takesId || words.length === each.words.length);
  });
  if (command) return command;
  throw new UsageError(
    words.length === 0 ? "No command." : `There is no command "${printable(words.join(" "))}".`,
  );
}

function findId({ takesId, words: own }: Command, { words }: Arguments): string {
  if (!takesId) return "";
  const [streamId, ...more] = words.slice(own.length);
  if (streamId === undefined || more.length > 0) {
    throw new UsageError(`"${own.join(" ")}" takes one stream id. Quote one that has spaces in it.`);
  }
  try {
    checkStreamId(streamId);
  } catch (error) {
    throw new UsageError(describeError(error));
  }
  return streamId;
}

function usage(): string {
  const lines = COMMANDS.map(
    ({ words, takesId, summary }) =>
      `  ${[...words, ...(takesId ? ["ID"] : [])].join(" ").padEnd(18)} ${summary}`,
  );
  return [
    "Usage: resumable-stream <command> [options]",
    "",
    ...lines,
    "",
    "  --url URL          the server: redis://…, rediss://… or postgres://…",
    "  --key-prefix P     the context's keyPrefix, where the app sets one",
    "  --from OFFSET      where tail starts, in UTF-16 code units",
    "  --json             prints JSON, a value a line",
    "",
    "Without --url, the server is REDIS_URL (or KV_URL) or POSTGRES_URL. Tables of other names: POSTGRES_SESSION_TABLE,",
    "POSTGRES_CHUNK_TABLE. Exit codes: 0 done, 1 failed, 2 called wrongly, 3 no such stream, 4 the stream ended badly.",
  ].join("\n");
}
