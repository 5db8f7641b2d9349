/**
 * State of which a process has one, however many copies of this module it has: bundlers give each route its own, and what is
 * imported is another build than what is required. `name` carries a number that changes with the shape.
 */
export function shared<T extends object>(name: string, make: () => T): T {
  const key = Symbol.for(`resumable-stream.${name}`);
  const place = globalThis as { [key: symbol]: T | undefined };
  return (place[key] ??= make());
}
