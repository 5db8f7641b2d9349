import { MemoryBus } from "./memory-bus.ts";
import type { RelayConnection } from "./relay.ts";
import { Subscriptions } from "./subscriptions.ts";

/** Found by every copy of this module: bundlers give each route its own. The number changes with the class's shape. */
const SHARED = Symbol.for("resumable-stream.memory-bus.1");

export function sharedMemoryBus(): MemoryBus {
  const place = globalThis as { [SHARED]?: MemoryBus };
  place[SHARED] ??= new MemoryBus();
  return place[SHARED];
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
