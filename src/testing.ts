/**
 * The promises of this library as suites for a test runner, to run over what you write yourself.
 *
 * @module
 */

export type { ContractBackend, ContractFactory } from "./testing/contract.ts";
export { describeContexts } from "./testing/contexts.ts";
export type { Losing } from "./testing/processes.ts";
export { describePubSub } from "./testing/pubsub/describe.ts";
export type { PubSubBackend, PubSubFactory, PubSubPair } from "./testing/pubsub/pair.ts";
export type { Runner } from "./testing/runner.ts";
export type { TransportBackend, TransportFactory } from "./testing/transport/backend.ts";
export { describeTransport } from "./testing/transport/describe.ts";
