// What a suite of promises is run over: contexts that share one backend as processes do.

import type { ResumableStreamError } from "../port/errors.ts";
import type { CommonOptions } from "../api/common-options.ts";
import type { DurableStreamContext } from "../api/types.ts";
import { deepEqual } from "./assert.ts";
import type { Opened } from "./runner.ts";

/** Contexts of one backend are like processes: each has its own clients, all see the same streams. */
export interface ContractBackend {
  /** Whether the text of a failed stream is kept (a log), or gone (a relay). @defaultValue false */
  keepsText?: boolean;
  /** Makes a context with these options, as a process of its own would. */
  createContext: (options: CommonOptions) => Promise<DurableStreamContext>;
  /** Called after every context was closed. */
  dispose: () => Promise<void>;
}

/** Makes the backend of one test. */
export type ContractFactory = () => Promise<ContractBackend>;

/** Each promise is written against this. Contexts made here are closed, and their `waitUntil` promises checked. */
export interface Contract {
  createContext: (options?: Partial<CommonOptions>) => Promise<DurableStreamContext>;
  /** As the backend says of itself; known once there is a context. */
  readonly keepsText: boolean;
  /** Where this test's chance starts. */
  seed: number;
}

let streams = 0;

/** A stream id no other test uses. */
export function freshId(name = "stream"): string {
  streams += 1;
  return `${name}-${streams}`;
}

/** A key prefix that no other test, run or process uses on a shared server. */
export function freshKeyPrefix(): string {
  return `contract-${crypto.randomUUID()}`;
}

/** Opens the backend of one test. Its end checks what every test promises. */
export async function openContract(factory: ContractFactory, seed: number): Promise<Opened<Contract>> {
  const backend = await factory();
  const contexts: DurableStreamContext[] = [];
  const kept: Promise<unknown>[] = [];
  const errors: ResumableStreamError[] = [];
  return {
    subject: {
      seed,
      get keepsText() {
        return backend.keepsText === true;
      },
      async createContext(options) {
        const context = await backend.createContext({
          waitUntil: (promise) => kept.push(promise),
          onError: (error) => errors.push(error),
          ...options,
        });
        contexts.push(context);
        return context;
      },
    },
    async close() {
      await Promise.all(contexts.map((context) => context.close()));
      await backend.dispose();
      // G7, in every test: what was given to waitUntil has settled, without a rejection, once the context is closed.
      await Promise.all(kept);
      deepEqual(errors, [], "onError was told of trouble the test doesn't cause");
    },
  };
}
