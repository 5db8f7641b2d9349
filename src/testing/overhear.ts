// Looks for a text that may not be told in everything that was told or printed.

const METHODS = ["log", "info", "warn", "error", "debug"] as const;

/** Listeners of now. Tests may run at once: each gets what all print. */
const listeners = new Set<unknown[]>();
let restore: (() => void)[] = [];

/** Runs with the console silenced, and gives what was printed on it. */
export async function overhear(run: () => Promise<void>): Promise<unknown[]> {
  const printed: unknown[] = [];
  if (listeners.size === 0) restore = METHODS.map(silence);
  listeners.add(printed);
  try {
    await run();
  } finally {
    listeners.delete(printed);
    if (listeners.size === 0) for (const undo of restore) undo();
  }
  return printed;
}

function silence(method: (typeof METHODS)[number]): () => void {
  const original = console[method];
  console[method] = (...args: unknown[]) => {
    for (const printed of listeners) printed.push(args);
  };
  return () => {
    console[method] = original;
  };
}

/** Whether a text is anywhere in a value: in its keys, in hidden properties of errors, in lists and maps. */
export function mentions(value: unknown, secret: string, seen: Set<object> = new Set()): boolean {
  if (typeof value === "string") return value.includes(secret);
  if (typeof value !== "object" || value === null || seen.has(value)) return false;
  seen.add(value);
  const held: unknown[] = value instanceof Map || value instanceof Set ? [...value] : [];
  const own = Reflect.ownKeys(value).flatMap((key): unknown[] => [
    String(key),
    Object.getOwnPropertyDescriptor(value, key)?.value,
  ]);
  // Of some runtimes' errors the stack is an accessor.
  const stack = value instanceof Error ? [value.stack] : [];
  return [...held, ...own, ...stack].some((part) => mentions(part, secret, seen));
}
