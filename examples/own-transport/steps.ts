import { setImmediate as endOfTurn } from "node:timers/promises";

/** What a key holds. */
export interface Held {
  value: string;
  /** Milliseconds of the clock of the process that wrote it; `Infinity`: it stays. */
  expiresAt: number;
}

/** A key while commands are applied to it. */
export interface Cell {
  held: Held | undefined;
}

/** Looks at a key, may change it, and answers. May be called again where another process was quicker. */
export type Command<Answer> = (cell: Cell) => Answer;

export interface Store {
  read: (key: string) => Promise<{ held: Held | undefined; revision: number }>;
  /** Writes where the key still has that revision, and returns whether it had. */
  write: (key: string, held: Held, revision: number) => Promise<boolean>;
}

interface Call {
  /** Returns how to tell the caller, once it is written. */
  apply: (cell: Cell) => () => void;
  reject: (error: unknown) => void;
}

/**
 * Carries the commands for a key out in the order they are called, and those that are called in the same turn
 * as one atomic step: a `get` with a `set` right behind it has to see what that `set` replaces.
 */
export class Steps {
  readonly #store: Store;
  /** Calls that wait for the step before theirs to end. A key with no step under way has no entry. */
  readonly #waiting = new Map<string, Call[]>();

  constructor(store: Store) {
    this.#store = store;
  }

  run<Answer>(key: string, command: Command<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const apply = (cell: Cell): (() => void) => {
        try {
          const answer = command(cell);
          return () => resolve(answer);
        } catch (error) {
          return () => reject(error);
        }
      };
      this.#add(key, { apply, reject });
    });
  }

  #add(key: string, call: Call): void {
    const waiting = this.#waiting.get(key);
    if (waiting) {
      waiting.push(call);
    } else {
      const calls = [call];
      this.#waiting.set(key, calls);
      void this.#carryOut(key, calls);
    }
  }

  async #carryOut(key: string, calls: Call[]): Promise<void> {
    do {
      await endOfTurn();
      await this.#step(key, calls.splice(0));
    } while (calls.length > 0);
    this.#waiting.delete(key);
  }

  async #step(key: string, calls: Call[]): Promise<void> {
    try {
      for (;;) {
        const { held, revision } = await this.#store.read(key);
        const cell: Cell = { held };
        const answers = calls.map((call) => call.apply(cell));
        const after = cell.held;
        if (!after || after === held || (await this.#store.write(key, after, revision))) {
          for (const answer of answers) answer();
          return;
        }
      }
    } catch (error) {
      for (const call of calls) call.reject(error);
    }
  }
}
