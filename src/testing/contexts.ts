// Every promise that needs no dying server, as a suite over contexts of any kind.

import { type Contract, type ContractFactory, openContract } from "./contract.ts";
import { createSeed } from "./dice.ts";
import { argumentPromises } from "./promises/arguments.ts";
import { callPromises } from "./promises/calls.ts";
import { endPromises } from "./promises/ends.ts";
import { closePromises, waitUntilPromises } from "./promises/lifecycle.ts";
import { drainPromises, handOverPromises } from "./promises/hand-over.ts";
import { generationPromises } from "./promises/generations.ts";
import { offsetPromises } from "./promises/offsets.ts";
import { propertyPromises } from "./promises/properties.ts";
import { readerPromises } from "./promises/readers.ts";
import { reportPromises } from "./promises/reports.ts";
import { sourcePromises } from "./promises/sources.ts";
import { stopPromises } from "./promises/stops.ts";
import { supersedingPromises } from "./promises/superseding.ts";
import { idPromises, textPromises } from "./promises/text.ts";
import { describeSections, resolveRunner, type Runner } from "./runner.ts";
import type { Section } from "./section.ts";

const CONTEXT_SECTIONS: readonly Section<Contract>[] = [
  callPromises,
  offsetPromises,
  generationPromises,
  endPromises,
  stopPromises,
  supersedingPromises,
  textPromises,
  idPromises,
  readerPromises,
  closePromises,
  drainPromises,
  handOverPromises,
  sourcePromises,
  waitUntilPromises,
  reportPromises,
  argumentPromises,
  propertyPromises,
];

/**
 * Writes every promise of contexts into a test runner: for contexts made in a way of your own. `factory` is called once a
 * test.
 *
 * @throws TypeError if no runner is given, and none has globals.
 */
export function describeContexts(name: string, factory: ContractFactory, runner?: Runner): void {
  const resolved = resolveRunner(runner);
  resolved.describe(name, () => {
    describeContract(factory, { runner: resolved, seed: resolved.seed ?? createSeed() });
  });
}

/** Runs only the four calls, for variants that differ in how they come to a connection. */
export function describeContextCalls(name: string, factory: ContractFactory, runner: Runner): void {
  runner.describe(name, () => {
    describeSections([callPromises], { runner, open: () => openContract(factory, runner.seed ?? 0) });
  });
}

/** All promises of contexts, for a suite that has more. */
export function describeContract(
  factory: ContractFactory,
  { runner, seed }: { runner: Runner; seed: number },
): void {
  describeSections(CONTEXT_SECTIONS, { runner, open: () => openContract(factory, seed) });
}
