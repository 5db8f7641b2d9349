// Waiting for signals that many wait for.

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once, when `signal` aborts. Returns a function that takes it back. However many wait, a signal has one listener:
 * platforms take the eleventh for a leak, and warn of it.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = waiting.get(signal) ?? listenTo(signal);
  // A function of its own: one that is given twice is called twice.
  const call = (): void => callback();
  callbacks.add(call);
  return () => callbacks.delete(call);
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>();
  waiting.set(signal, callbacks);
  const callAll = (): void => {
    const due = [...callbacks];
    callbacks.clear();
    for (const callback of due) callback();
  };
  signal.addEventListener("abort", callAll, { once: true });
  return callbacks;
}
