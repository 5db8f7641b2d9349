// A promise is data: a name that says it, and a run that fails where it is broken.

export interface Promised<Subject> {
  name: string;
  run: (subject: Subject) => Promise<void>;
}

/** Promises of one kind. */
export interface Section<Subject> {
  name: string;
  promises: readonly Promised<Subject>[];
}

/** Collects what `write` promises. */
export function section<Subject>(
  name: string,
  write: (promise: (name: string, run: Promised<Subject>["run"]) => void) => void,
): Section<Subject> {
  const promises: Promised<Subject>[] = [];
  write((promised, run) => promises.push({ name: promised, run }));
  return { name, promises };
}
