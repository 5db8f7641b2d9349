// What a suite of promises is run over: contexts that share one backend as processes do.

import type { CommonOptions, DurableStreamContext } from "../../src/api/types.ts";

/** Contexts of one backend are like processes: each has its own clients, all see the same streams. */
export interface ContractBackend {
  /** Whether the text of a failed stream is kept (a log), or gone (a relay). @defaultValue false */
  keepsText?: boolean;
  createContext: (options: CommonOptions) => Promise<DurableStreamContext>;
  /** Called after every context was closed. */
  dispose: () => Promise<void>;
}

export type ContractFactory = () => Promise<ContractBackend>;

/** What each promise is written against. Contexts made here are closed, and their `waitUntil` promises checked. */
export interface Contract {
  createContext: (options?: Partial<CommonOptions>) => Promise<DurableStreamContext>;
  /** As the backend says of itself. */
  keepsText: () => boolean;
}

let streams = 0;

/** A stream id no other test uses. */
export function freshId(name = "stream"): string {
  streams += 1;
  return `${name}-${streams}`;
}
