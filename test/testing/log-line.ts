// A connection to the document's store that can be cut: what is lost then are statements, or their answers only.

import type { Losing } from "../../src/testing.ts";

type Statement = (...args: never[]) => Promise<unknown>;

/** The document's `Store`, as far as a line has to know it. */
export interface LogStore {
  claim: Statement;
  write: Statement;
  read: Statement;
  stop: Statement;
  listen: (listener: (...heard: never[]) => void) => () => void;
}

export interface Line {
  store: LogStore;
  /** Returns how to mend it. */
  cut: (losing: Losing) => () => void;
}

export function createLine(store: LogStore): Line {
  let cuts = 0;
  let lost: Losing | undefined;
  const over = (statement: Statement): Statement => {
    return async (...args) => {
      const cutsBefore = cuts;
      if (lost === "calls") return hang();
      const answer = await statement(...args);
      return cuts === cutsBefore && !lost ? answer : hang();
    };
  };
  return {
    store: {
      claim: over((...args) => store.claim(...args)),
      write: over((...args) => store.write(...args)),
      read: over((...args) => store.read(...args)),
      stop: over((...args) => store.stop(...args)),
      listen: (listener) =>
        store.listen((...heard) => {
          if (!lost) listener(...heard);
        }),
    },
    cut: (losing) => {
      cuts += 1;
      lost = losing;
      return () => {
        lost = undefined;
      };
    },
  };
}

function hang(): Promise<never> {
  return new Promise(() => undefined);
}
