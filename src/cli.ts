#!/usr/bin/env node
// The command `resumable-stream`.

import { EXIT } from "./cli/exit.ts";
import { main } from "./cli/main.ts";
import { describeError } from "./cli/print.ts";

/** How long connections may take to close. */
const EXIT_TIMEOUT_MS = 1_000;

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read the output has enough of it, as `head` does.
  if (error.code === "EPIPE") process.exit();
  process.stderr.write(`Cannot write the output: ${describeError(error)}\n`);
  process.exit(EXIT.failed);
});
// Nobody is left to tell.
process.stderr.on("error", () => undefined);

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  print: (line) => void process.stdout.write(`${line}\n`),
  printError: (line) => void process.stderr.write(`${line}\n`),
  write,
  isTerminal: Boolean(process.stdout.isTTY),
  onInterrupt: (callback) => {
    process.once("SIGINT", callback);
    return () => process.off("SIGINT", callback);
  },
});

// A pipe's reader may be slow, as `less` is: what it hasn't taken yet would be lost.
await write("");
// The command must not wait for a connection to a server that went silent.
setTimeout(() => process.exit(), EXIT_TIMEOUT_MS).unref();

function write(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(data, () => resolve());
  });
}
