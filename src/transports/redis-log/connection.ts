// The connections that a log over Redis uses: one for scripts and messages, one that listens.

import type { Outages } from "../log/outages.ts";
import type { Subscriptions } from "../relay/subscriptions.ts";

export interface LogConnection {
  /** Sends a command, which a cluster routes by `key`. */
  send: (words: string[], key: string) => Promise<unknown>;
  /** Whether it answers in the order of what it is sent, as one connection to one Redis does. */
  isOrdered: boolean;
  subscriptions: Subscriptions;
  /** Of the server, for all contexts of this process that use it. */
  outages: Outages;
  /** Hears of each time one of the two is back after a loss: what was said meanwhile is lost. */
  onReconnect: (listener: () => void) => () => void;
  /** Hears of errors that the clients report outside of a call. */
  onError: (listener: (error: unknown) => void) => () => void;
  /** Whether the caller has closed the client that sends. */
  isClosed: () => boolean;
  close: () => void;
}
