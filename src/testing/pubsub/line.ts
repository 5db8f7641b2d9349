// A process' connection to its pub/sub server, which a test can cut, spoil and mend.

import { background } from "../../lib/background.ts";
import { createDeferred } from "../../lib/deferred.ts";
import type { Dice } from "../dice.ts";
import { type Mistreatment, mistreating } from "../mistreat.ts";
import type { PubSubPair } from "./pair.ts";

export interface Line {
  pair: PubSubPair;
  /** Nothing gets through: messages to this process are lost, its calls wait. */
  cut: () => void;
  /** What waited goes out now, as from a process that was frozen or cut off. */
  mend: () => void;
  /** The process is gone: its connections say nothing more, and the server has closed them. */
  kill: () => void;
  /** Calls reject, until told otherwise. Messages still arrive. */
  reject: (isRejecting: "rejecting" | "working") => void;
}

export function createLine(inner: PubSubPair, mistreatment?: Mistreatment & { dice: Dice }): Line {
  let isRejecting = false;
  /** Resolves when the line is mended; absent while it works. */
  let mended: { promise: Promise<void>; resolve: () => void } | undefined;
  const call = async <T>(run: () => Promise<T>): Promise<T> => {
    await mended?.promise;
    if (isRejecting) throw new Error("The test has this call fail.");
    return run();
  };
  const { publisher, subscriber } = inner;
  const channels = new Set<string>();
  const cut = (): void => {
    mended ??= createDeferred<void>();
  };
  return {
    pair: {
      publisher: {
        publish: (channel, message) => call(() => publisher.publish(channel, message)),
        set: (key, value, options) => call(() => publisher.set(key, value, options)),
        get: (key) => call(() => publisher.get(key)),
        incr: (key) => call(() => publisher.incr(key)),
      },
      subscriber: {
        subscribe: (channel, callback) => {
          const hear = mistreatment === undefined ? callback : mistreating(callback, mistreatment);
          channels.add(channel);
          return call(() =>
            subscriber.subscribe(channel, (message) => {
              if (mended === undefined) hear(message);
            }),
          );
        },
        unsubscribe: (channel) => {
          channels.delete(channel);
          return call(() => subscriber.unsubscribe(channel));
        },
      },
    },
    cut,
    mend: () => {
      mended?.resolve();
      mended = undefined;
    },
    kill: () => {
      cut();
      for (const channel of channels) {
        background(Promise.resolve(subscriber.unsubscribe(channel)), () => undefined);
      }
    },
    reject: (state) => {
      isRejecting = state === "rejecting";
    },
  };
}
