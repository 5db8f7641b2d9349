// `list`, `show` and `stop`.

import type { Command, World } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { printable, toJson, toLines } from "../print.ts";
import { withStore } from "../stores/open-store.ts";
import type { StreamFacts } from "../stores/store.ts";
import { expiry, inWords } from "../words.ts";

export const list: Command = {
  words: ["list"],
  takesId: false,
  summary: "prints the streams the server knows, a line each",
  run: (args, world) =>
    withStore(args, world, async (store) => {
      if (!args.isJson) world.print(toRow("STATUS", "LENGTH", "EXPIRES", "ID"));
      for await (const facts of store.list()) world.print(args.isJson ? toJson(facts) : rowOf(facts));
      return EXIT.done;
    }),
};

export const show: Command = {
  words: ["show"],
  takesId: true,
  summary: "prints what is known of a stream, without its text",
  run: (args, world) =>
    withStore(args, world, async (store) => {
      const facts = await store.show(args.streamId);
      if (!facts) return absent(args.streamId, world);
      if (args.isJson) world.print(toJson(facts));
      else for (const line of toLines(inWords(facts))) world.print(line);
      return EXIT.done;
    }),
};

export const stop: Command = {
  words: ["stop"],
  takesId: true,
  summary: "stops a stream that runs: its readers get a clean end",
  run: (args, world) =>
    withStore(args, world, async (store) => {
      const { streamId } = args;
      const isStopped = await store.stop(streamId);
      if (args.isJson) world.print(toJson({ streamId, isStopped }));
      else world.print(`${isStopped ? "Stopped" : "Nothing runs under"} "${printable(streamId)}".`);
      return isStopped ? EXIT.done : EXIT.absent;
    }),
};

export function absent(streamId: string, world: World): ExitCode {
  world.printError(`There is no stream "${printable(streamId)}". Is --key-prefix the app's own?`);
  return EXIT.absent;
}

function rowOf({ expiresInSeconds, status, streamId, tail }: StreamFacts): string {
  return toRow(printable(status), String(tail ?? "-"), expiry(expiresInSeconds), printable(streamId));
}

function toRow(...[status = "", length = "", expires = "", id = ""]: string[]): string {
  return `${status.padEnd(8)} ${length.padStart(10)} ${expires.padStart(10)}  ${id}`;
}
