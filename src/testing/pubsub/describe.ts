// The suite for a pub/sub: its port, the promises of contexts over it, and the same while it fails.

import { describeContract } from "../contexts.ts";
import { createSeed } from "../dice.ts";
import { faultPromises } from "../faults/faults.ts";
import { describeSections, resolveRunner, type Runner } from "../runner.ts";
import { deliveryPromises } from "./delivery.ts";
import type { PubSubFactory } from "./pair.ts";
import { openPubSubPort } from "./port.ts";
import { recordPromises } from "./records.ts";
import { contractOver, openPubSubWorld } from "./world.ts";

/**
 * Writes everything that `resumable-stream/generic` needs of a pub/sub, and everything it promises over one, into a test
 * runner. `factory` is called once a test.
 *
 * @example
 * describePubSub("mine", () => ({ createPair: () => connectToMine(), dispose: () => undefined }), { describe, test });
 *
 * @throws TypeError if no runner is given, and none has globals.
 */
export function describePubSub(name: string, factory: PubSubFactory, runner?: Runner): void {
  const resolved = resolveRunner(runner);
  const seed = resolved.seed ?? createSeed();
  resolved.describe(name, () => {
    describeSections([deliveryPromises, recordPromises], {
      runner: resolved,
      open: () => openPubSubPort(factory, seed),
    });
    describeContract(contractOver(factory), { runner: resolved, seed });
    describeSections([faultPromises], { runner: resolved, open: () => openPubSubWorld(factory, seed) });
  });
}
