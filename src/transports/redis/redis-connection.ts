// One small port over two client libraries. Commands go as raw words: they mean the same in every major version.

/** A connection of node-redis or ioredis, to one server or to a cluster. */
export interface RedisConnection {
  /** Whether it is to a cluster. There `PUBLISH` counts the subscribers of one node only: its answer is no count. */
  readonly isCluster: boolean;
  /** Sends a command. `key` is any key or channel of it: a cluster finds the node by it, and a single server ignores it. */
  command(words: string[], key?: string): Promise<unknown>;
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** Hears of each time the connection is back after a loss. */
  onReconnect(listener: () => void): () => void;
  onError(listener: (error: unknown) => void): () => void;
  /** Whether the caller, whose client it is, has closed it. Absent: it is ours. */
  isClosed?(): boolean;
  /** Lets go at once of a connection we made. */
  destroy(): void;
}

/** Of a client that speaks RESP 2, which subscribes or sends commands, and never both. */
export const SAME_CLIENT =
  "publisher and subscriber are the same client, which can't publish once it subscribes: pass publisher.duplicate() as one of them.";

/** The part of a Node event emitter that both libraries' clients have. */
export interface Emitter {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/**
 * Sends a command, and rejects without what was sent: ioredis keeps a command's arguments on its error, and a server quotes
 * those of a command it doesn't know. Text must not come into logs that way (G11).
 */
export async function withoutArguments<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    if (/SUBSCRIBE.* allowed in this context/.test(message)) throw new TypeError(SAME_CLIENT);
    const clean = new Error(message.replace(/,? with args beginning with[^]*/, ""));
    clean.name = name;
    throw clean;
  }
}

export function listen(emitter: Emitter, event: string, listener: (...args: unknown[]) => void): () => void {
  emitter.on(event, listener);
  return () => emitter.off(event, listener);
}

/** Calls back when one of `ups` follows one of `downs`: the first connect is no reconnect. */
export function listenForReconnect(
  emitter: Emitter,
  { downs, ups }: { downs: readonly string[]; ups: readonly string[] },
  listener: () => void,
): () => void {
  let wasDown = false;
  const fall = (): void => {
    wasDown = true;
  };
  const rise = (): void => {
    if (!wasDown) return;
    wasDown = false;
    listener();
  };
  const stops = [
    ...downs.map((down) => listen(emitter, down, fall)),
    ...ups.map((up) => listen(emitter, up, rise)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Serves many listeners by one of the emitter's, attached with the first and detached with the last. */
export function fanOut<T>(
  attach: (listener: (value: T) => void) => () => void,
): (listener: (value: T) => void) => () => void {
  const listeners = new Set<(value: T) => void>();
  let detach: (() => void) | undefined;
  return (listener) => {
    const own = (value: T): void => listener(value);
    listeners.add(own);
    detach ??= attach((value) => {
      for (const each of listeners) each(value);
    });
    return () => {
      listeners.delete(own);
      if (listeners.size > 0) return;
      detach?.();
      detach = undefined;
    };
  };
}
