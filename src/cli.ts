#!/usr/bin/env node
// The command `resumable-stream`.

import { main } from "./cli/main.ts";

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  print: (line) => void process.stdout.write(`${line}\n`),
  printError: (line) => void process.stderr.write(`${line}\n`),
});
