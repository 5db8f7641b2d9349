import { shared } from "../../lib/shared.ts";
import { MemoryBus } from "./memory-bus.ts";
import type { RelayConnection } from "../relay/relay-options.ts";
import { Subscriptions } from "../relay/subscriptions.ts";

export function sharedMemoryBus(): MemoryBus {
  return shared("memory-bus.2", () => new MemoryBus());
}

export function memoryConnection(bus: MemoryBus): RelayConnection {
  const never = (): (() => void) => () => undefined;
  return {
    publishPort: bus.publishPort(),
    subscriptions: new Subscriptions(bus.subscribePort()),
    onSubscriberReconnect: never,
    onError: never,
    close: () => undefined,
  };
}
