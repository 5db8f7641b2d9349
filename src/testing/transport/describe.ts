// The suite for a transport: its port, the promises of contexts over it, and the same while it fails.

import type { Transport } from "../../port/transport.ts";
import { describeContract } from "../contexts.ts";
import { createSeed } from "../dice.ts";
import { faultPromises } from "../faults/faults.ts";
import { describeSections, resolveRunner, type Runner } from "../runner.ts";
import type { TransportFactory } from "./backend.ts";
import { claimPromises } from "./claims.ts";
import { openTransportPort } from "./port.ts";
import { readPromises, watchPromises } from "./reads.ts";
import { contractOver, openTransportWorld } from "./world.ts";

/**
 * Writes everything that the engine needs of a transport, and everything that contexts promise over one, into a test
 * runner. `factory` is called once a test.
 *
 * @example
 * describeTransport("mine", () => ({ createTransport: myTransport, dispose: () => undefined }), { describe, test });
 *
 * @throws TypeError if no runner is given, and none has globals.
 */
export function describeTransport<Made extends Transport>(
  name: string,
  factory: TransportFactory<Made>,
  runner?: Runner,
): void {
  const resolved = resolveRunner(runner);
  const seed = resolved.seed ?? createSeed();
  resolved.describe(name, () => {
    describePort(factory, { runner: resolved, seed });
    describeContract(contractOver(factory), { runner: resolved, seed });
  });
}

/** What is asked of the transport beside the promises of contexts. */
export function describePort<Made extends Transport>(
  factory: TransportFactory<Made>,
  { runner, seed }: { runner: Runner; seed: number },
): void {
  describeSections([claimPromises, readPromises, watchPromises], {
    runner,
    open: () => openTransportPort(factory),
  });
  describeSections([faultPromises], { runner, open: () => openTransportWorld(factory, seed) });
}
