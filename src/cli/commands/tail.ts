// `tail`: a stream's text, from an offset on and then live. The one command that prints text.

import { ResumableStreamError } from "../../port/errors.ts";
import type { EndKind } from "../../api/types.ts";
import type { Command, CommandArguments, World } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { printable, printableText, toJson } from "../print.ts";
import { withStore } from "../stores/open-store.ts";
import type { Tail } from "../stores/store.ts";
import { absent } from "./streams.ts";

export const tail: Command = {
  words: ["tail"],
  takesId: true,
  summary: "prints a stream's text from --from OFFSET on, live, until it ends",
  run: (args, world) =>
    withStore(args, world, async (store) => {
      const tailed = await store.tail(args.streamId, args.from);
      switch (tailed.status) {
        case "text":
          return print(tailed, args, world);
        case "done":
          world.printError(`The stream "${printable(args.streamId)}" has ended, and its text is gone.`);
          return EXIT.absent;
        case "absent":
          return absent(args.streamId, world);
      }
    }),
};

async function print(
  { stream, end }: Extract<Tail, { status: "text" }>,
  args: CommandArguments,
  world: World,
): Promise<ExitCode> {
  const reader = stream.pipeThrough(args.isJson ? jsonLines(args.from) : plainText(world)).getReader();
  let isInterrupted = false;
  const stopListening = world.onInterrupt(() => {
    isInterrupted = true;
    void reader.cancel();
  });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      await world.write(value);
    }
  } catch (error) {
    const kind = endOf(error);
    if (kind === undefined || !(error instanceof Error)) throw error;
    return ended(kind, { args, world, why: error.message });
  } finally {
    stopListening();
  }
  if (isInterrupted) return EXIT.interrupted;
  return ended(end() ?? "done", {
    args,
    world,
    why: "The stream had ended badly: this is the text that is left.",
  });
}

function ended(
  end: EndKind,
  { args, world, why }: { args: CommandArguments; world: World; why: string },
): ExitCode {
  const isGood = end === "done" || end === "stopped";
  if (args.isJson) world.print(toJson({ end }));
  else if (!isGood) world.printError(printable(why));
  return isGood ? EXIT.done : EXIT.endedBadly;
}

/** Undefined if it is no end of the stream, but of what carries it. */
function endOf(error: unknown): EndKind | undefined {
  if (!(error instanceof ResumableStreamError)) return undefined;
  if (error.code === "SOURCE_FAILED") return "failed";
  return error.code === "PRODUCER_LOST" ? "lost" : undefined;
}

type Printing = ReadableWritablePair<string | Uint8Array, string>;

function jsonLines(from: number): Printing {
  let offset = from;
  return new TransformStream<string, string>({
    transform: (text, controller) => {
      controller.enqueue(`${toJson({ offset, text })}\n`);
      offset += text.length;
    },
  });
}

/** As bytes, so that a pair of surrogates that came in two pieces is one character. */
function plainText({ isTerminal }: World): Printing {
  const bytes = new TextEncoderStream();
  if (!isTerminal) return bytes;
  const escaping = new TransformStream<string, string>({
    transform: (text, controller) => controller.enqueue(printableText(text)),
  });
  return { writable: escaping.writable, readable: escaping.readable.pipeThrough(bytes) };
}
