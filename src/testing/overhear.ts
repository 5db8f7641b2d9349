// What may not be said: looks for a text in everything that was told or printed.

const METHODS = ["log", "info", "warn", "error", "debug"] as const;

/** Runs with the console silenced, and gives what was printed on it. */
export async function overhear(run: () => Promise<void>): Promise<unknown[]> {
  const printed: unknown[] = [];
  const restore = METHODS.map((method) => {
    const original = console[method];
    console[method] = (...args: unknown[]) => {
      printed.push(args);
    };
    return () => {
      console[method] = original;
    };
  });
  try {
    await run();
  } finally {
    for (const undo of restore) undo();
  }
  return printed;
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
    // Of some runtimes' errors the stack is an accessor.
    value instanceof Error ? value.stack : undefined,
  ]);
  return [...held, ...own].some((part) => mentions(part, secret, seen));
}
