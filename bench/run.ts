// npm run bench: this library beside the published one and beside floors, in turn in one run. Prints the table, keeps it in
// RESULTS.md and results.json, and draws results.svg. `npm run bench -- latency heap` measures only the rows whose name holds one of
// these words, and keeps nothing.

import { readFile, writeFile } from "node:fs/promises";
import { http } from "./http/index.ts";
import { kept } from "./kept/index.ts";
import { compare } from "./lib/comparison.ts";
import { describeMachine } from "./lib/machine.ts";
import { measureGroup } from "./lib/measure-group.ts";
import { pageOf, reportOf } from "./lib/page.ts";
import type { Results } from "./lib/results.ts";
import { drawResults } from "./picture.ts";
import { postgres } from "./postgres/index.ts";
import { relay } from "./relay/index.ts";
import { scale } from "./scale/index.ts";
import { size } from "./size/index.ts";

const words = process.argv.slice(2);
const startedAt = performance.now();

const measured = [
  await measureGroup(relay, words),
  await measureGroup(scale, words),
  await measureGroup(http, words),
  await measureGroup(kept, words),
  await measureGroup(postgres, words),
  await measureGroup(size, words),
].filter((group) => group !== undefined);

const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  machine: describeMachine(),
  versions: Object.assign(
    { Node: process.versions.node },
    ...measured.map(({ versions }) => versions),
  ) as Record<string, string>,
  tookSeconds: Math.round((performance.now() - startedAt) / 1000),
  groups: measured.map(({ result }) => result),
};
const comparison = compare(results, await earlier());
process.stdout.write(`\n${reportOf(results, comparison)}\n\nTook ${results.tookSeconds} s.\n`);
if (words.length === 0) {
  await writeFile(beside("RESULTS.md"), pageOf(results, comparison));
  await writeFile(beside("results.json"), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(beside("results.svg"), drawResults(results));
}

async function earlier(): Promise<Results | undefined> {
  try {
    return JSON.parse(await readFile(beside("results.json"), "utf8")) as Results;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function beside(name: string): URL {
  return new URL(name, import.meta.url);
}
