#!/usr/bin/env node
// The command `resumable-stream`.

import { main } from "./cli/main.ts";

/** How long connections may take to close. */
const EXIT_TIMEOUT_MS = 1_000;

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read the output has enough of it, as `head` does.
  if (error.code === "EPIPE") process.exit();
  throw error;
});

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  print: (line) => void process.stdout.write(`${line}\n`),
  printError: (line) => void process.stderr.write(`${line}\n`),
  write: (data) =>
    new Promise((resolve) => {
      process.stdout.write(data, () => resolve());
    }),
  isTerminal: Boolean(process.stdout.isTTY),
  onInterrupt: (callback) => {
    process.once("SIGINT", callback);
    return () => process.off("SIGINT", callback);
  },
});

// The command must not wait for a connection to a server that went silent.
setTimeout(() => process.exit(), EXIT_TIMEOUT_MS).unref();
