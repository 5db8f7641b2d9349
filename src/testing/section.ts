// A promise is data: a name that says it, and a run that fails if it is broken.

export interface Promised<Subject> {
  name: string;
  run: (subject: Subject) => Promise<void>;
}

/** Promises of one kind. */
export interface Section<Subject> {
  name: string;
  promises: readonly Promised<Subject>[];
}

/** Adds a promise to a section. */
export type Promising<Subject> = (name: string, run: Promised<Subject>["run"]) => void;

/** Collects what `write` promises. */
export function section<Subject>(
  name: string,
  write: (promise: Promising<Subject>) => void,
): Section<Subject> {
  const promises: Promised<Subject>[] = [];
  write((promised, run) => promises.push({ name: promised, run }));
  return { name, promises };
}
