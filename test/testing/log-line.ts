// A connection to the document's store that can be cut: what is lost then are statements, or their answers only.

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
  cut: () => () => void;
}

export type Losing = "statements" | "answers";

export function createLine(store: LogStore, losing: Losing): Line {
  let cuts = 0;
  let isCut = false;
  const over = (statement: Statement): Statement => {
    return async (...args) => {
      const cutsBefore = cuts;
      if (isCut && losing === "statements") return hang();
      const answer = await statement(...args);
      return cuts === cutsBefore && !isCut ? answer : hang();
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
          if (!isCut) listener(...heard);
        }),
    },
    cut: () => {
      cuts += 1;
      isCut = true;
      return () => {
        isCut = false;
      };
    },
  };
}

function hang(): Promise<never> {
  return new Promise(() => undefined);
}
