// Finds the command and runs it.

import { readFile } from "node:fs/promises";
import { checkStreamId } from "../api/options.ts";
import { type Arguments, parseArguments, UsageError } from "./args.ts";
import type { Command, World } from "./command.ts";
import { doctor } from "./commands/doctor.ts";
import { lost, postgresLost } from "./commands/lost.ts";
import { postgresCleanup, postgresSetup } from "./commands/postgres.ts";
import { list, show, stop } from "./commands/streams.ts";
import { tail } from "./commands/tail.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { describeError, printable } from "./print.ts";
import { closest, didYouMean } from "./typo.ts";

const COMMANDS: readonly Command[] = [
  list,
  show,
  tail,
  stop,
  lost,
  doctor,
  postgresSetup,
  postgresCleanup,
  postgresLost,
];

export async function main(args: readonly string[], world: World): Promise<ExitCode> {
  try {
    const parsed = parseArguments(args);
    if (parsed.help || parsed.version) {
      world.print(parsed.help ? usage() : await version());
      return EXIT.done;
    }
    if (parsed.words.length === 0) {
      world.printError(usage());
      return EXIT.usage;
    }
    const command = find(parsed.words);
    return await command.run({ ...parsed, streamId: findId(command, parsed) }, world);
  } catch (error) {
    world.printError(describeError(error));
    if (!(error instanceof UsageError)) return EXIT.failed;
    world.printError("Run resumable-stream --help for the commands and options.");
    return EXIT.usage;
  }
}

function find(words: readonly string[]): Command {
  const command = COMMANDS.find((each) => {
    const isCalled = each.words.every((word, index) => words[index] === word);
    return isCalled && (each.takesId || words.length === each.words.length);
  });
  if (command) return command;
  throw new UsageError(`Unknown command "${printable(words.join(" "))}".${didYouMean(meantBy(words))}`);
}

/** The commands that begin as was written, or else the one that is a slip or two away. */
function meantBy(words: readonly string[]): (string | undefined)[] {
  const begun = COMMANDS.filter((command) => words.every((word, index) => command.words[index] === word));
  if (begun.length > 0) return begun.map((command) => command.words.join(" "));
  // A word after a command's own may be an id: it is no part of the comparison.
  const guesses = COMMANDS.map(({ words: own }) => ({
    name: own.join(" "),
    written: words.slice(0, own.length).join(" "),
  }));
  return [closest(guesses)];
}

/** As the package's manifest says, two folders above this file, compiled or not. */
async function version(): Promise<string> {
  const manifest: unknown = JSON.parse(
    await readFile(new URL("../../package.json", import.meta.url), "utf8"),
  );
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest ? String(manifest.version) : "unknown";
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
    "  --hand-over FILE   a module whose onEnd the command lost calls for each stream",
    "  --json             prints JSON, one value per line",
    "  --version          prints the version",
    "  --help             prints this page",
    "",
    "Without --url, the server is REDIS_URL (or KV_URL) or POSTGRES_URL. Tables of other names: POSTGRES_SESSION_TABLE,",
    "POSTGRES_CHUNK_TABLE. Exit codes: 0 done, 1 failed, 2 called wrongly, 3 no such stream, 4 the stream ended badly.",
  ].join("\n");
}
