// A publish port with deadlines: every call settles, and fails in one way.

import { asResumableStreamError, type ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import type { Clock } from "../../lib/clock.ts";
import type { RecordedEnd } from "../../port/transport.ts";
import type { PublishPort, Ownership } from "./ports.ts";
import type { StatusRecord } from "./record.ts";
import { Gate } from "../../lib/gate.ts";
import { shared } from "../../lib/shared.ts";
import { Health } from "./health.ts";

export interface LinkOptions {
  port: PublishPort;
  clock: Clock;
  timeoutMs: number;
  /** No call takes longer, also if the server is at work on what was sent before: for an option that promises it. @defaultValue false */
  isStrict?: boolean;
  onError: (error: ResumableStreamError) => void;
}

export class Link {
  /** Without deadlines, for who waits longer than a call. */
  readonly port: PublishPort;
  readonly #options: LinkOptions;
  readonly #health: PortHealth;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.port = options.port;
    this.#health = healthOf(options.port, options.clock);
  }

  publish(channel: string, message: string, timeoutMs?: number): Promise<number | undefined> {
    return this.answered("publish", this.port.publish(channel, message), timeoutMs);
  }

  get(key: string): Promise<StatusRecord> {
    return this.answered("read the record of", this.port.records.get(key));
  }

  claimIfFree(key: string, claim: Ownership): Promise<boolean> {
    return this.answered("claim", this.port.records.claimIfFree(key, claim));
  }

  renew(key: string, claim: Ownership): Promise<void> {
    return this.answered("renew", this.port.records.renew(key, claim));
  }

  finish(key: string, claim: Ownership, last: RecordedEnd): Promise<boolean> {
    return this.#health.ends.run(() => this.answered("finish", this.port.records.finish(key, claim, last)));
  }

  lastEnd(key: string): Promise<RecordedEnd | undefined> {
    return this.answered("read the end of", this.port.records.lastEnd(key));
  }

  freeIf(key: string, raw: string): Promise<boolean> {
    return this.#health.ends.run(() => this.answered("free", this.port.records.freeIf(key, raw)));
  }

  /** A command's answer, or `TRANSPORT_UNAVAILABLE` in time: at once if the server is known to be away. */
  answered<T>(what: string, answer: Promise<T>, timeoutMs?: number): Promise<T> {
    return this.#within(what, answer, { health: this.#health.commands, timeoutMs });
  }

  /** That a channel is subscribed to, the same way: it goes over a connection of its own. */
  subscribed<T>(what: string, answer: Promise<T>): Promise<T> {
    return this.#within(what, answer, { health: this.#health.subscriptions, timeoutMs: undefined });
  }

  async #within<T>(
    what: string,
    answer: Promise<T>,
    { health, timeoutMs = this.#options.timeoutMs }: { health: Health; timeoutMs: number | undefined },
  ): Promise<T> {
    const late = (patienceMs: number): Error => new Error(`No answer within ${patienceMs} ms.`);
    try {
      const { isStrict = false } = this.#options;
      return await health.within(answer, { timeoutMs, isStrict, late });
    } catch (error) {
      // A mistake in the set-up stays a `TypeError`: waiting won't cure it.
      throw error instanceof TypeError ? error : unavailable(what, error);
    }
  }

  /** For failures that reject nobody's call. An outage is told once, however many calls it fails, and in whatever context. */
  report(error: unknown): void {
    if (this.#health.commands.isNews()) this.#options.onError(unavailable("write to", error));
  }

  /** Lets work run on that nobody waits for, and reports its failure. */
  background(work: Promise<unknown>): void {
    background(work, (error) => this.report(error));
  }
}

/** Of the two connections to a server. */
interface PortHealth {
  commands: Health;
  subscriptions: Health;
  /** A process that ends all of its streams at once goes on to answer for those that still run: what comes back for one batch is small. */
  ends: Gate;
}

/** How many ends are written at once: their answers are worked off in some 10 ms. */
const MAX_ENDS = 250;

/** All contexts that share a client share what is known of its server. */
const known = shared("port-health.1", () => new WeakMap<PublishPort, PortHealth>());

function healthOf(port: PublishPort, clock: Clock): PortHealth {
  const health = known.get(port) ?? {
    commands: new Health(clock, port.isOrdered === true),
    subscriptions: new Health(clock, port.isOrdered === true),
    ends: new Gate(MAX_ENDS),
  };
  known.set(port, health);
  return health;
}

function unavailable(what: string, cause: unknown): ResumableStreamError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `Cannot ${what} the stream: the pub/sub server is unavailable (${why}). Check that it runs and can be reached.`;
  return asResumableStreamError(cause, "TRANSPORT_UNAVAILABLE", message);
}
