// Notifications, which are a hint and no more: whether they arrive is proven, again and again, by one of our own.
//
//   idle ──used──▶ connecting ──opened──▶ listening ──lost──▶ waiting ──its time is over──▶ connecting
//
// While it listens it is proven or not: proven since a proof has come back, and until one that was sent doesn't in time.

import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import type { Cancel } from "../../lib/clock.ts";
import type { Listening } from "./database.ts";
import { encodeHints, type HintKind, parseHints, type Said } from "./hints.ts";
import { channelOf } from "./names.ts";
import { notify, type PostgresParts } from "./parts.ts";
import { isPoolBusy } from "./pool-trouble.ts";

/** How soon a connection that is lost is tried for again. */
const RETRY = { firstMs: 250, maxMs: 10_000 };
/** How long the connection is kept for the next user: an app's pool is the app's. */
const IDLE_MS = 3_000;

export interface ListenerOptions {
  context: PostgresParts;
  onHints: (kind: Exclude<HintKind, "proof">, names: readonly string[]) => void;
  /** Notifications arrive from now on, or no longer. What was said meanwhile is lost. */
  onProven: (isProven: boolean) => void;
}

export class Listener {
  readonly #options: ListenerOptions;
  /** Tells our proofs from those of other processes. */
  readonly #name = Math.random().toString(36).slice(2);
  /** How many want to hear a channel. */
  readonly #channels = new Map<string, number>();
  #state: "idle" | "connecting" | "listening" | "waiting" | "closed" = "idle";
  #isProven = false;
  /** A proof is on its way. */
  #isProving = false;
  /** Absent while there is no connection. */
  #listening: Listening | undefined;
  /** Settles, and never rejects, once the connection that was tried for last is there, or given back. */
  #opening: Promise<void> = Promise.resolve();
  #proofs = 0;
  #failures = 0;
  /** The timer of the state: a proof's deadline, the next proof or try, or the end of an idle connection. */
  #cancelTimer: Cancel = () => {};

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  get isProven(): boolean {
    return this.#isProven;
  }

  /**
   * Somebody wants what is sent to a channel, until they call what this returns. `onHearing`: from now on it arrives, and what was
   * sent while the connection was there already may have been missed.
   */
  use(channel: string, onHearing: () => void): () => void {
    const wasIdle = this.#channels.size === 0;
    const users = this.#channels.get(channel) ?? 0;
    this.#channels.set(channel, users + 1);
    if (this.#state === "idle") this.#connect();
    else if (wasIdle) this.#rest();
    const listening = this.#listening;
    // Where it is lost meanwhile, the next connection has all channels from its start.
    if (listening && users === 0) background(listening.add(channel).then(onHearing), () => undefined);
    let isUsing = true;
    return () => {
      if (!isUsing) return;
      isUsing = false;
      this.#leave(channel);
    };
  }

  /**
   * Has a proof sent by a statement, if none is on its way: `send` is given it, or undefined. Once that is answered, the proof's
   * absence ends the connection. While the pool lends none to send it by, this one may be as good as ever. Sent through another
   * connection: a pooler hands a statement's own notifications to whoever sent it.
   */
  async prove<T>(send: (proof: Said | undefined) => Promise<T>): Promise<T> {
    if (this.#state !== "listening" || this.#isProving) return send(undefined);
    this.#cancelTimer();
    this.#isProving = true;
    const proof = (this.#proofs += 1);
    const isAwaited = (): boolean => this.#isProving && this.#proofs === proof;
    const [payload = ""] = encodeHints("proof", [this.#name, String(proof)]);
    try {
      const answer = await send([this.#ownChannel, payload]);
      if (isAwaited()) this.#after(this.#options.context.settings.listenTimeoutMs, () => this.#lost());
      return answer;
    } catch (error) {
      if (isAwaited() && isPoolBusy(error)) this.#over();
      else if (isAwaited()) this.#lost();
      throw error;
    }
  }

  async close(): Promise<void> {
    const listening = this.#listening;
    this.#stop("closed");
    await listening?.close();
    await this.#opening;
  }

  get #ownChannel(): string {
    return channelOf(this.#options.context.channel, this.#name);
  }

  #leave(channel: string): void {
    const users = (this.#channels.get(channel) ?? 1) - 1;
    if (users > 0) this.#channels.set(channel, users);
    else this.#channels.delete(channel);
    if (users === 0) this.#listening?.remove(channel);
    if (this.#channels.size === 0) this.#rest();
  }

  #connect(): void {
    const { database, settings } = this.#options.context;
    if (!database.listen) return;
    this.#state = "connecting";
    const asked = [...this.#channels.keys()];
    const request = {
      channels: [this.#ownChannel, ...asked],
      timeoutMs: settings.statementTimeoutMs,
      onNotification: (payload: string, isUnasked: boolean): void => this.#receive(payload, isUnasked),
      onLost: (): void => this.#lost(),
    };
    this.#opening = database
      .listen(request)
      .then((listening) => this.#opened(listening, asked))
      .catch(() => this.#lost());
  }

  async #opened(listening: Listening, asked: readonly string[]): Promise<void> {
    if (this.#state !== "connecting") return listening.close();
    this.#listening = listening;
    this.#state = "listening";
    // Some came or left while it was opened. The proof comes after them.
    for (const channel of asked) if (!this.#channels.has(channel)) listening.remove(channel);
    const late = [...this.#channels.keys()].filter((channel) => !asked.includes(channel));
    const adding = Promise.all(late.map((channel) => listening.add(channel)));
    this.#proveItself(adding);
  }

  /** By a statement of its own, once what is said before it was heard. */
  #proveItself(before?: Promise<unknown>): void {
    const proving = this.prove(async (proof) => {
      await before;
      await notify(this.#options.context, proof ? [proof] : [], { isVital: false });
    });
    background(proving, () => {
      // Lost by it, or tried again.
    });
  }

  #receive(payload: string, isUnasked: boolean): void {
    const hints = parseHints(payload);
    if (!hints) return;
    if (hints.kind !== "proof") return this.#options.onHints(hints.kind, hints.names);
    const [name, proof] = hints.names;
    // An earlier proof may have waited for a connection that was lost since.
    if (name !== this.#name || Number(proof) !== this.#proofs || this.#state !== "listening") return;
    if (isUnasked) this.#proven();
    this.#over();
  }

  #proven(): void {
    this.#failures = 0;
    if (this.#isProven) return;
    this.#isProven = true;
    this.#options.onProven(true);
  }

  /** The proof is, in whatever way. */
  #over(): void {
    this.#isProving = false;
    this.#rest();
  }

  /** Sets the timer of a connection that waits for no proof. */
  #rest(): void {
    if (this.#state !== "listening" || this.#isProving) return;
    this.#cancelTimer();
    if (this.#channels.size === 0) this.#after(IDLE_MS, () => this.#stop("idle"));
    else if (!this.#isProven)
      this.#after(this.#options.context.settings.listenTimeoutMs, () => this.#proveItself());
  }

  #lost(): void {
    if (this.#state !== "connecting" && this.#state !== "listening") return;
    this.#stop("waiting");
    this.#after(backoffMs(this.#failures++, RETRY), () => {
      if (this.#channels.size > 0) this.#connect();
      else this.#state = "idle";
    });
  }

  #stop(state: "idle" | "waiting" | "closed"): void {
    this.#cancelTimer();
    if (this.#state === "closed") return;
    this.#state = state;
    this.#isProving = false;
    const listening = this.#listening;
    this.#listening = undefined;
    if (listening) background(listening.close(), () => undefined);
    if (!this.#isProven) return;
    this.#isProven = false;
    this.#options.onProven(false);
  }

  #after(delayMs: number, callback: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.context.clock.after(delayMs, callback);
  }
}
