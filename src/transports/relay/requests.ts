// Asks a producer for something, and performs what verdict.ts makes of its silence.

import { ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { createDeferred, type Deferred } from "../../lib/deferred.ts";
import type { Page, ReadResult } from "../../port/transport.ts";
import { condemn } from "./condemn.ts";
import { ReplyAssembly } from "./reply-assembly.ts";
import { foreignMessageReport } from "./foreign-messages.ts";
import { type CheckAnswer, encodeEcho, encodeRequest, parseFrame, type Request } from "./protocol.ts";
import type { RelayParts } from "./parts.ts";
import type { Subscription } from "./subscriptions.ts";
import {
  type Answered,
  stepVerdict,
  type VerdictEffect,
  type VerdictEvent,
  type VerdictLimits,
  type VerdictState,
} from "./verdict.ts";

/** Nobody received it: the producer may be subscribing this very moment. */
const UNRECEIVED = { firstMs: 25, maxMs: 400 };
/** Somebody did, or the server doesn't say: an answer is under way, unless it got lost. */
const RECEIVED = { firstMs: 250, maxMs: 500 };
/** Contexts that are remembered to have answered: made-up ones must not grow the process. */
const MAX_CONTEXTS = 1_000;
/** The last answer of a stream's producer, which all questions about the stream share; absent until one came. */
export interface Heard {
  last: (Answered & { by: string | undefined }) | undefined;
}

interface Pending {
  /** Signs of the producer's life: those that the whole process has heard, or this request alone if nobody watches. */
  heard: Heard;
  reply: Deferred<Page>;
  answer: ReplyAssembly;
  /** The page that `reply` resolved with; absent until it came. */
  page: Page | undefined;
  /** How far the suspicion is that its producer is dead. */
  silence: VerdictState;
  limits: VerdictLimits;
}

interface Question {
  streamId: string;
  /** The offset asked for; absent where any will do. */
  from: number | undefined;
  /** The producer asked; absent where any will do. */
  epoch: number | undefined;
  /** Shared by all questions about the stream: a producer that answers one of them lives. */
  heard: Heard | undefined;
  build: (requestId: number) => Request;
}

export class Requests {
  readonly #relay: RelayParts;
  readonly #pending = new Map<number, Pending>();
  #nextRequestId = 1;
  /** When the subscriber's connection was last back after a loss; absent if it never was lost. */
  #reconnectedAt: number | undefined;
  /** Our inbox, subscribed while somebody may ask; absent otherwise. */
  #inbox: { subscription: Subscription; users: number } | undefined;
  readonly #reportForeign: () => void;
  /** When each context last answered anything, the latest last. */
  readonly #contexts = new Map<string, number>();

  readonly #onChecked: (answer: CheckAnswer) => void;

  constructor(relay: RelayParts, onChecked: (answer: CheckAnswer) => void) {
    this.#relay = relay;
    this.#onChecked = onChecked;
    this.#reportForeign = foreignMessageReport(relay.onError, "this process's inbox");
  }

  /** Opens the inbox. Questions may be asked from when it is ready until it is released. */
  openInbox(): Subscription {
    this.#inbox ??= { subscription: this.#subscribe(), users: 0 };
    const inbox = this.#inbox;
    inbox.users += 1;
    let released: Promise<void> | undefined;
    const release = (): Promise<void> => {
      inbox.users -= 1;
      if (inbox.users > 0) return Promise.resolve();
      if (this.#inbox === inbox) this.#inbox = undefined;
      // Answers can't arrive any more: who still asked must not take their silence for the producer's.
      for (const { reply } of this.#pending.values()) reply.reject(unheard());
      return inbox.subscription.release();
    };
    return { ready: inbox.subscription.ready, release: () => (released ??= release()) };
  }

  /** The subscriber's connection was lost and is back: what proved it before proves nothing. */
  reconnected(): void {
    this.#reconnectedAt = this.#relay.clock.now();
    for (const pending of this.#pending.values()) this.#step(pending, { type: "reconnected" });
  }

  /** A context has answered: its process lives, whatever else it is still to answer. */
  heardOf(contextId: string): void {
    this.#contexts.delete(contextId);
    this.#contexts.set(contextId, this.#relay.clock.now());
    if (this.#contexts.size <= MAX_CONTEXTS) return;
    for (const longest of this.#contexts.keys()) {
      this.#contexts.delete(longest);
      return;
    }
  }

  newId(): number {
    return this.#nextRequestId++;
  }

  /** A page, or why there is none. Rejects with `TRANSPORT_UNAVAILABLE` where our own connections don't work. */
  async ask(question: Question): Promise<ReadResult> {
    const requestId = this.newId();
    const pending: Pending = {
      heard: question.heard ?? { last: undefined },
      reply: createDeferred<Page>(),
      answer: new ReplyAssembly(question.from),
      page: undefined,
      silence: { status: "calm", since: this.#relay.clock.now(), reconnectedAt: this.#reconnectedAt },
      limits: { ackTimeoutMs: this.#relay.settings.ackTimeoutMs, epoch: question.epoch },
    };
    this.#pending.set(requestId, pending);
    background(pending.reply.promise, () => undefined);
    try {
      return await this.#untilAnswered(question, requestId, pending);
    } finally {
      this.#pending.delete(requestId);
    }
  }

  async #untilAnswered(question: Question, requestId: number, pending: Pending): Promise<ReadResult> {
    const { link, names } = this.#relay;
    const message = encodeRequest(question.build(requestId));
    // A producer that only says that it is at work is asked again, and heard, well before its silence would be proof.
    const maxWaitMs = this.#relay.settings.ackTimeoutMs / 4;
    let effect: VerdictEffect | undefined = { type: "ask", isProving: false };
    for (let attempt = 0; ;) {
      switch (effect?.type) {
        case "ask": {
          if (effect.isProving) background(this.#prove(requestId, pending), () => undefined);
          const receivers = await this.#publish(names.request(question.streamId), message, pending);
          this.#step(pending, { type: "sent", receivers });
          const waitMs = backoffMs(attempt++, receivers === 0 ? UNRECEIVED : RECEIVED);
          const page = await this.#replyWithin(pending, Math.min(waitMs, maxWaitMs));
          if (page) return { status: "page", page };
          effect = this.#step(pending, { type: "waited", answered: this.#answered(pending) });
          break;
        }
        case "look": {
          const record = await link.get(names.record(question.streamId));
          // It lives: its answer came while the record was looked up.
          if (pending.page) return { status: "page", page: pending.page };
          effect = this.#step(pending, { type: "looked", record, answered: this.#answered(pending) });
          break;
        }
        case "condemn":
          effect = this.#step(pending, {
            type: "released",
            record: await condemn(this.#relay, question.streamId, effect.record),
          });
          break;
        case "tell":
          return effect.result;
        case "give-up":
        case undefined:
          throw unreachable(question.streamId);
      }
    }
  }

  #step(pending: Pending, event: VerdictEvent): VerdictEffect | undefined {
    const step = this.#relay.stepVerdict ?? stepVerdict;
    const { state, effect } = step(pending.silence, event, this.#relay.clock.now(), pending.limits);
    pending.silence = state;
    return effect;
  }

  #answered({ heard: { last } }: Pending): Answered | undefined {
    return last && { ...last, contextAt: last.by === undefined ? undefined : this.#contexts.get(last.by) };
  }

  /** Sends this process a message, whose return proves that its own connections work. */
  async #prove(requestId: number, pending: Pending): Promise<void> {
    await this.#publish(this.#relay.names.inbox(this.#relay.contextId), encodeEcho(requestId), pending);
  }

  async #publish(channel: string, message: string, pending: Pending): Promise<number | undefined> {
    try {
      return await this.#relay.link.publish(channel, message);
    } catch (error) {
      if (error instanceof TypeError) throw error;
      this.#step(pending, { type: "unsent" });
      return undefined;
    }
  }

  async #replyWithin(pending: Pending, waitMs: number): Promise<Page | undefined> {
    const { clock, settings } = this.#relay;
    for (;;) {
      const dueAt = clock.now() + waitMs;
      const late = createDeferred<undefined>();
      const cancel = clock.after(waitMs, () => late.resolve(undefined));
      const page = await Promise.race([pending.reply.promise, late.promise]).finally(cancel);
      // This process was held up, and perhaps its producer with it: neither its silence nor our proof counts from before.
      if (clock.now() - dueAt > settings.ackTimeoutMs / 2) this.#step(pending, { type: "held-up" });
      // A reply under way is waited for: asked for again, a slow connection would carry it twice.
      if (page || !pending.answer.hasMoved()) return page;
    }
  }

  #subscribe(): Subscription {
    const { names, subscriptions } = this.#relay;
    return subscriptions.subscribe(names.inbox(this.#relay.contextId), (message) => this.#receive(message));
  }

  #receive(message: string): void {
    const frame = parseFrame(message);
    if (!frame) return this.#reportForeign();
    if (frame.type === "checked") return this.#onChecked(frame);
    if (frame.requestId === undefined) return;
    const pending = this.#pending.get(frame.requestId);
    if (!pending) return;
    if (frame.type === "echo") {
      this.#step(pending, { type: "proven" });
      return;
    }
    const { last } = pending.heard;
    const by = last?.by === frame.by ? last?.by : copyOf(frame.by);
    if (by !== undefined) this.heardOf(by);
    pending.heard.last = { epoch: frame.page.epoch, at: this.#relay.clock.now(), by };
    const page = pending.answer.add(frame.page, frame.isLast);
    if (!page) return;
    pending.page = page;
    pending.reply.resolve(page);
  }
}

/** A part of a message as a string of its own: V8 would keep the whole message for it. */
function copyOf(part: string | undefined): string | undefined {
  return part?.split("").join("");
}

function unheard(): ResumableStreamError {
  return new ResumableStreamError("TRANSPORT_UNAVAILABLE", "Gave up asking: nobody here follows any more.");
}

function unreachable(streamId: string): ResumableStreamError {
  const message = `Cannot reach the producer of "${streamId}": messages of this process don't come back to it. Check the connection to the pub/sub server.`;
  return new ResumableStreamError("TRANSPORT_UNAVAILABLE", message);
}
