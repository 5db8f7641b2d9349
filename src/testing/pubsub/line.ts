// A process' connection to its pub/sub server, which a test can cut, spoil and mend.

import { background } from "../../lib/background.ts";
import { createDeferred, type Deferred } from "../../lib/deferred.ts";
import type { Dice } from "../dice.ts";
import { type Mistreatment, mistreating } from "../mistreat.ts";
import type { Losing } from "../processes.ts";
import type { PubSubPair } from "./pair.ts";

export interface Line {
  pair: PubSubPair;
  /** Messages to this process are lost; its calls wait, or are carried out and their answers wait. */
  cut: (losing?: Losing) => void;
  /** The calls that waited go out now, as from a process that was frozen or cut off. */
  mend: () => void;
  /** The process is gone: its connections say nothing more, and the server has closed them. */
  kill: () => void;
  /** Calls reject, until told otherwise. Messages still arrive. */
  reject: (isRejecting: "rejecting" | "working") => void;
}

export function createLine(inner: PubSubPair, mistreatment?: Mistreatment & { dice: Dice }): Line {
  let isRejecting = false;
  /** The line is broken: it loses this, until `mended` resolves. Absent while the line works. */
  let harm: { losing: Losing; mended: Deferred<void> } | undefined;
  const call = async <T>(run: () => Promise<T>): Promise<T> => {
    if (harm?.losing === "calls") await harm.mended.promise;
    if (isRejecting) throw new Error("The test has this call fail.");
    const answer = await run();
    await harm?.mended.promise;
    return answer;
  };
  const { publisher, subscriber } = inner;
  const channels = new Set<string>();
  const cut = (losing: Losing = "calls"): void => {
    harm ??= { losing, mended: createDeferred<void>() };
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
              if (harm === undefined) hear(message);
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
      harm?.mended.resolve();
      harm = undefined;
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
