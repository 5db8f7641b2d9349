// `lost`: what ended, and no app has taken; and, with --hand-over, has an app take it.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { OnEnd } from "../../api/on-end.ts";
import { UsageError } from "../args.ts";
import type { Command, CommandArguments, World } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { describeError, durationOf, printable, toJson } from "../print.ts";
import { storeOptions } from "../stores/open-store.ts";
import { openOwedStreams, type OwedStream, type OwedStreams } from "../stores/owed-streams.ts";
import { findPostgres, findTarget, type Target } from "../target.ts";

export const lost: Command = {
  words: ["lost"],
  takesId: false,
  summary: "lists ended streams that no onEnd has taken; --hand-over has them taken",
  run: (args, world) => runOver(findTarget(args, world), args, world),
};

export const postgresLost: Command = {
  words: ["postgres", "lost"],
  takesId: false,
  summary: "the same over POSTGRES_URL, also if Redis is named as well",
  run: (args, world) => runOver({ kind: "postgres", url: findPostgres(args, world) }, args, world),
};

async function runOver(target: Target, args: CommandArguments, world: World): Promise<ExitCode> {
  const onEnd = args.handOver === undefined ? undefined : await loadOnEnd(args.handOver);
  const owed = await openOwedStreams(target, storeOptions(args, world), onEnd);
  try {
    return await (onEnd ? handAllOver : list)(owed, args, world);
  } finally {
    await owed.close();
  }
}

async function list(owed: OwedStreams, { isJson }: CommandArguments, world: World): Promise<ExitCode> {
  if (!isJson) world.print(toRow("END", "LENGTH", "SINCE", "HAND-OVER", "GENERATION", "ID"));
  for await (const { facts } of owed.list()) world.print(isJson ? toJson(facts) : rowOf(facts));
  return EXIT.done;
}

async function handAllOver(owed: OwedStreams, { isJson }: CommandArguments, world: World): Promise<ExitCode> {
  let hasFailed = false;
  let isInterrupted = false;
  // The hand-over under way is finished: a text that is taken and not handed over would be nobody's.
  const stopListening = world.onInterrupt(() => {
    isInterrupted = true;
  });
  try {
    for await (const stream of owed.list()) {
      if (isInterrupted) return EXIT.interrupted;
      const outcome = await owed.handOver(stream);
      hasFailed ||= outcome.status === "failed";
      const { handOver: _before, ...facts } = stream.facts;
      const { status: result, ...more } = outcome;
      if (isJson) world.print(toJson({ ...facts, result, ...more }));
      else {
        const why = outcome.status === "failed" ? `  (${outcome.why})` : "";
        const id = printable(`${stream.facts.streamId}${why}`);
        world.print(`${outcome.status.padEnd(10)} ${String(facts["generation"]).padEnd(12)} ${id}`);
      }
    }
  } finally {
    stopListening();
  }
  return hasFailed ? EXIT.failed : EXIT.done;
}

/** A module's `onEnd`, by that name or as its default export. */
async function loadOnEnd(file: string): Promise<OnEnd> {
  const path = resolve(file);
  if (!existsSync(path)) throw new UsageError(`--hand-over must be a file: there is no ${printable(path)}.`);
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (cause) {
    const message = `--hand-over: ${printable(path)} can't be loaded: ${describeError(cause)}`;
    throw new UsageError(message, { cause });
  }
  const { default: byDefault, onEnd } = exported;
  // A CommonJS module is its default export, whole.
  const inside = (byDefault as { onEnd?: unknown } | null | undefined)?.onEnd;
  for (const each of [onEnd, inside, byDefault]) if (typeof each === "function") return each as OnEnd;
  throw new UsageError(
    `--hand-over: ${printable(path)} has to export a function onEnd, or one as its default.`,
  );
}

function rowOf({ generation, handOver, since, status, streamId, tail }: OwedStream["facts"]): string {
  const age = typeof since === "string" ? ageOf(since) : "-";
  return toRow(status, String(tail), age, String(handOver), String(generation), printable(streamId));
}

function ageOf(since: string): string {
  return durationOf(Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1000)));
}

function toRow(
  ...[end = "", length = "", since = "", state = "", generation = "", id = ""]: string[]
): string {
  return `${end.padEnd(8)} ${length.padStart(10)} ${since.padStart(8)}  ${state.padEnd(9)} ${generation.padEnd(12)} ${id}`;
}
