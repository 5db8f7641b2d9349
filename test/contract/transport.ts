// The contract: every promise that needs no dying server, as a suite over any transport.

import { afterEach, beforeEach, describe, expect } from "vitest";
import type { ResumableStreamError } from "../../src/api/errors.ts";
import type { DurableStreamContext } from "../../src/api/types.ts";
import type { Contract, ContractBackend, ContractFactory } from "./contract.ts";
import { describeArguments } from "./promises/arguments.ts";
import { describeCalls } from "./promises/calls.ts";
import { describeEnds } from "./promises/ends.ts";
import { describeLifecycle } from "./promises/lifecycle.ts";
import { describeOffsets } from "./promises/offsets.ts";
import { describeProperties } from "./promises/properties.ts";
import { describeReaders } from "./promises/readers.ts";
import { describeReports } from "./promises/reports.ts";
import { describeStops } from "./promises/stops.ts";
import { describeSuperseding } from "./promises/superseding.ts";
import { describeText } from "./promises/text.ts";

const SECTIONS = [
  describeCalls,
  describeOffsets,
  describeEnds,
  describeStops,
  describeSuperseding,
  describeText,
  describeReaders,
  describeLifecycle,
  describeReports,
  describeArguments,
  describeProperties,
];

/** Runs every promise over one transport. `factory` is called once a test. */
export function describeTransport(name: string, factory: ContractFactory): void {
  describe(`${name}`, () => {
    const contract = useContract(factory);
    for (const section of SECTIONS) section(contract);
  });
}

/** Runs only the four calls, for variants that differ in how they come to a connection. */
export function describeTransportCalls(name: string, factory: ContractFactory): void {
  describe(`${name}`, () => {
    describeCalls(useContract(factory));
  });
}

function useContract(factory: ContractFactory): Contract {
  let backend: ContractBackend | undefined;
  let contexts: DurableStreamContext[] = [];
  let kept: Promise<unknown>[] = [];
  let errors: ResumableStreamError[] = [];

  beforeEach(async () => {
    contexts = [];
    kept = [];
    errors = [];
    backend = await factory();
  });

  afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    await backend?.dispose();
    // G7, in every test: what was given to waitUntil has settled, without a rejection, once the context is closed.
    await Promise.all(kept);
    expect(errors, "onError was told of trouble the test doesn't cause").toEqual([]);
  });

  return {
    keepsText: () => backend?.keepsText === true,
    async createContext(options) {
      if (backend === undefined) throw new Error("contexts are made inside tests");
      const context = await backend.createContext({
        waitUntil: (promise) => kept.push(promise),
        onError: (error) => errors.push(error),
        ...options,
      });
      contexts.push(context);
      return context;
    },
  };
}
