// Scripts and messages on their way to a server: within a deadline, and with errors that say what failed.

import { background } from "../../lib/background.ts";
import { type Clock, withDeadline } from "../../lib/clock.ts";
import { asResumableStreamError, type ResumableStreamError } from "../../port/errors.ts";
import type { Outages } from "../log/outages.ts";
import { forCaller } from "../log/for-caller.ts";
import type { LogConnection } from "./connection.ts";
import { keysOf } from "./names.ts";
import { SCRIPTS, type ScriptName } from "./scripts.ts";

/** Errors of a server that can't serve now, to whomever it is; any other that it names is its answer. */
const UNFIT = /^(READONLY|LOADING|MASTERDOWN|NOREPLICAS|UNBLOCKED|CLUSTERDOWN|TRYAGAIN|OOM|BUSY|MISCONF)\b/;
const SERVER_ERROR = /^[A-Z]{2,}\b/;

export interface RequestOptions {
  connection: LogConnection;
  clock: Clock;
  timeoutMs: number;
  leaseMs: number;
  onError: (error: ResumableStreamError) => void;
}

export interface EntryRange {
  epoch: number;
  first: number;
  last: number;
}

/** How far servers' clocks are ahead of ours, by what is known of each. */
const aheads = new WeakMap<Outages, number>();
/** Hashes of scripts, once they are known. */
const hashes = new Map<ScriptName, string>();

export class LogRequests {
  readonly #options: RequestOptions;
  /** When the server last answered; absent until it did. */
  #answeredAt: number | undefined;

  constructor(options: RequestOptions) {
    this.#options = options;
  }

  /** The server's clock right now, in ms since 1970, or a little before; undefined before it has told its time. */
  get serverTime(): number | undefined {
    const ahead = aheads.get(this.#options.connection.outages);
    return ahead === undefined ? undefined : this.#options.clock.now() + ahead;
  }

  /** The server has told its time. */
  learnTime(time: number): void {
    const { clock, connection } = this.#options;
    aheads.set(connection.outages, time - clock.now());
  }

  /** Runs a script on a stream's keys. `onLate` is told an answer that came after the deadline. */
  run(
    name: ScriptName,
    key: string,
    values: readonly string[],
    onLate?: (answer: unknown) => void,
  ): Promise<unknown> {
    const { record, tail, text } = keysOf(key);
    const words = ["3", record, tail, text, String(Math.ceil(this.#options.leaseMs)), ...values];
    // A caller waits for a claim, and no longer than it was promised.
    const isStrict = name === "claim";
    return this.#within(`${name} a stream`, this.#evaluate(name, { key, words }), { isStrict, onLate });
  }

  /** The same for a caller: while the server is away it waits 50 ms. */
  runForCaller(
    name: ScriptName,
    key: string,
    values: readonly string[],
    onLate?: (answer: unknown) => void,
  ): Promise<unknown> {
    const { clock, connection, onError } = this.#options;
    const late = (timeoutMs: number): ResumableStreamError => unavailable(name, silence(timeoutMs));
    const send = (): Promise<unknown> => this.run(name, key, values, onLate);
    return forCaller(send, { clock, outages: connection.outages, late, onLate, onError });
  }

  /** Entries of a claim's text that end from `first` to `last`. */
  entries(key: string, { epoch, first, last }: EntryRange): Promise<unknown> {
    const words = ["XRANGE", keysOf(key).text, `${epoch}-${first}`, `${epoch}-${last}`];
    return this.#within("read a stream", this.#options.connection.send(words, key));
  }

  async publish(channel: string, message: string): Promise<void> {
    const publishing = this.#options.connection.send(["PUBLISH", channel, message], channel);
    await this.#within("publish for a stream", publishing);
  }

  async #evaluate(name: ScriptName, { key, words }: { key: string; words: string[] }): Promise<unknown> {
    const { send } = this.#options.connection;
    const hash = hashes.get(name) ?? (await hashOf(name));
    try {
      return await send(["EVALSHA", hash, ...words], key);
    } catch (error) {
      // A server that was restarted, or has just become the master, doesn't know it.
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return send(["EVAL", SCRIPTS[name], ...words], key);
    }
  }

  async #within(
    what: string,
    answer: Promise<unknown>,
    {
      isStrict = false,
      onLate,
    }: { isStrict?: boolean; onLate?: ((answer: unknown) => void) | undefined } = {},
  ): Promise<unknown> {
    const { clock, connection, onError, timeoutMs } = this.#options;
    const sentAt = clock.now();
    let late: Error | undefined;
    try {
      const value = await withDeadline(clock, answer, {
        timeoutMs,
        late: () => (late = silence(timeoutMs)),
        answeredAt: connection.isOrdered && !isStrict ? () => this.#answeredAt : undefined,
      });
      this.#answeredAt = clock.now();
      connection.outages.succeeded();
      return value;
    } catch (error) {
      // A mistake in the set-up stays a `TypeError`: waiting won't cure it.
      if (error instanceof TypeError) throw error;
      if (!isServersAnswer(error)) connection.outages.failed(sentAt);
      if (error === late && onLate) {
        const told = answer.then(onLate, () => undefined);
        background(told, (cause) => onError(unavailable(what, cause)));
      }
      throw unavailable(what, error);
    }
  }
}

function silence(timeoutMs: number): Error {
  return new Error(`no answer within ${timeoutMs} ms`);
}

function isServersAnswer(error: unknown): boolean {
  return error instanceof Error && SERVER_ERROR.test(error.message) && !UNFIT.test(error.message);
}

function unavailable(what: string, cause: unknown): ResumableStreamError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `Cannot ${what}: Redis is unavailable (${why}). Check that it runs, can be reached and has memory left.`;
  return asResumableStreamError(cause, "TRANSPORT_UNAVAILABLE", message);
}

async function hashOf(name: ScriptName): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(SCRIPTS[name]));
  const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  hashes.set(name, hash);
  return hash;
}
