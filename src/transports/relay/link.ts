// A publish port with deadlines: every call settles, and fails in one way.

import { asResumableStreamError, type ResumableStreamError } from "../../api/errors.ts";
import { background } from "../../lib/background.ts";
import { type Clock, withDeadline } from "../../lib/clock.ts";
import type { LastEnd } from "../transport.ts";
import type { PublishPort, RecordClaim, StatusRecord } from "./bus.ts";

export interface LinkOptions {
  port: PublishPort;
  clock: Clock;
  timeoutMs: number;
  onError: (error: ResumableStreamError) => void;
}

export class Link {
  /** Without deadlines, for who waits longer than a call. */
  readonly port: PublishPort;
  readonly #options: LinkOptions;
  /** An outage is reported once, however many calls it fails. */
  #isReported = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.port = options.port;
  }

  publish(channel: string, message: string, timeoutMs?: number): Promise<number | undefined> {
    return this.bounded("publish", this.port.publish(channel, message), timeoutMs);
  }

  get(key: string): Promise<StatusRecord> {
    return this.bounded("read the record of", this.port.records.get(key));
  }

  claimIfFree(key: string, claim: RecordClaim): Promise<boolean> {
    return this.bounded("claim", this.port.records.claimIfFree(key, claim));
  }

  renew(key: string, claim: RecordClaim): Promise<void> {
    return this.bounded("renew", this.port.records.renew(key, claim));
  }

  finish(key: string, claim: RecordClaim, last: LastEnd): Promise<boolean> {
    return this.bounded("finish", this.port.records.finish(key, claim, last));
  }

  lastEnd(key: string): Promise<LastEnd | undefined> {
    return this.bounded("read the end of", this.port.records.lastEnd(key));
  }

  freeIf(key: string, raw: string): Promise<boolean> {
    return this.bounded("free", this.port.records.freeIf(key, raw));
  }

  /** The promise, or `TRANSPORT_UNAVAILABLE` in time. */
  async bounded<T>(
    what: string,
    promise: Promise<T>,
    timeoutMs: number = this.#options.timeoutMs,
  ): Promise<T> {
    const { clock } = this.#options;
    const late = (): Error => new Error(`No answer within ${timeoutMs} ms.`);
    try {
      const answer = await withDeadline(clock, promise, { timeoutMs, late });
      this.#isReported = false;
      return answer;
    } catch (error) {
      // A mistake in the set-up stays a `TypeError`: waiting won't cure it.
      throw error instanceof TypeError ? error : unavailable(what, error);
    }
  }

  /** For failures that reject nobody's call. */
  report(error: unknown): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#options.onError(unavailable("write to", error));
  }

  /** Lets work run on that nobody waits for, and reports its failure. */
  background(work: Promise<unknown>): void {
    background(work, (error) => this.report(error));
  }
}

function unavailable(what: string, cause: unknown): ResumableStreamError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `Cannot ${what} the stream: the pub/sub server is unavailable (${why}). Check that it runs and can be reached.`;
  return asResumableStreamError(cause, "TRANSPORT_UNAVAILABLE", message);
}
