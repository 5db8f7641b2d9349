// Asks a producer for something and tells a dead one from a slow one, a lost message or a broken connection of our own.

import { ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { createDeferred, type Deferred } from "../../lib/deferred.ts";
import type { Page, ReadResult } from "../../port/transport.ts";
import type { StatusRecord } from "./record.ts";
import { ReplyAssembly } from "./reply-assembly.ts";
import { foreignMessageReport } from "./foreign-messages.ts";
import { encodeEcho, encodeRequest, parseFrame, type Request } from "./protocol.ts";
import type { RelayParts } from "./parts.ts";
import type { Subscription } from "./subscriptions.ts";

/** Nobody received it: the producer may be subscribing this very moment. */
const UNRECEIVED = { firstMs: 25, maxMs: 400 };
/** Somebody did, or the server doesn't say: an answer is under way, unless it got lost. */
const RECEIVED = { firstMs: 250, maxMs: 500 };
/** After our own connection came back a producer's needs longer: clients wait up to five seconds between attempts. */
const RECONNECT_GRACE = 3;

/** A producer's last answer: which one's, and when it came. */
export interface Answered {
  epoch: number;
  at: number;
}

interface Pending {
  /** What the whole process knows of the producer's life; absent where nobody watches. */
  answered: Answered | undefined;
  reply: Deferred<Page>;
  answer: ReplyAssembly;
  /** What `reply` resolved with; absent until it came. */
  page: Page | undefined;
  /** Since when an answer is waited for. */
  since: number;
  /** When a message to ourselves came back, which proves our own connections; absent until then. */
  provenAt: number | undefined;
}

/** The claim that doesn't answer, and since when it was known. */
interface Suspicion {
  suspect: StatusRecord;
  suspectSince: number;
}

interface Question {
  streamId: string;
  /** The offset asked for; absent where any will do. */
  from: number | undefined;
  /** The producer asked; absent where any will do. */
  epoch: number | undefined;
  /** Shared by all questions about the stream: a producer that answers one of them lives. */
  answered: Answered | undefined;
  build: (requestId: number) => Request;
}

export class Requests {
  /** Names this process to producers. */
  readonly listenerId: string;

  readonly #relay: RelayParts;
  readonly #pending = new Map<number, Pending>();
  #nextRequestId = 1;
  #reconnectedAt = Number.NEGATIVE_INFINITY;
  /** Our inbox, subscribed while somebody may ask; absent otherwise. */
  #inbox: { subscription: Subscription; users: number } | undefined;
  readonly #reportForeign: () => void;

  constructor(relay: RelayParts, listenerId: string) {
    this.#relay = relay;
    this.listenerId = listenerId;
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
    for (const pending of this.#pending.values()) pending.provenAt = undefined;
  }

  /** A page, or why there is none. Rejects with `TRANSPORT_UNAVAILABLE` where our own connections don't work. */
  async ask(question: Question): Promise<ReadResult> {
    const requestId = this.#nextRequestId++;
    const pending: Pending = {
      answered: question.answered,
      reply: createDeferred<Page>(),
      answer: new ReplyAssembly(question.from),
      page: undefined,
      since: this.#relay.clock.now(),
      provenAt: undefined,
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
    const { link, names, clock, settings } = this.#relay;
    const message = encodeRequest(question.build(requestId));
    /** The claim that doesn't answer; absent until looked up. */
    let suspect: StatusRecord | undefined;
    let suspectSince = pending.since;
    for (let attempt = 0; ; attempt++) {
      const receivers = await this.#publish(names.request(question.streamId), message, pending);
      const page = await this.#replyWithin(
        pending,
        backoffMs(attempt, receivers === 0 ? UNRECEIVED : RECEIVED),
      );
      if (page) return { status: "page", page };

      if (!suspect) {
        suspectSince = clock.now();
        suspect = await link.get(names.record(question.streamId));
      }
      // A missing record is no such proof: a restarted server may have lost it while the producer lives.
      if (receivers === 0 && suspect.status === "done") return { status: "done" };

      const verdictAt = this.#verdictAt(pending, { suspect, suspectSince });
      if (verdictAt === undefined) {
        if (clock.now() - pending.since >= 2 * settings.ackTimeoutMs) throw unreachable(question.streamId);
        background(
          this.#publish(names.inbox(this.listenerId), encodeEcho(requestId), pending),
          () => undefined,
        );
      } else if (clock.now() >= verdictAt) {
        const verdict = await this.#verdict(question, { suspect, suspectSince, pending });
        if (verdict) return verdict;
        // Another producer has the stream by now: it gets its own time to answer.
        suspect = undefined;
      }
    }
  }

  async #publish(channel: string, message: string, pending: Pending): Promise<number | undefined> {
    try {
      return await this.#relay.link.publish(channel, message);
    } catch (error) {
      if (error instanceof TypeError) throw error;
      pending.provenAt = undefined;
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
      if (clock.now() - dueAt > settings.ackTimeoutMs / 2) {
        pending.since = clock.now();
        pending.provenAt = undefined;
      }
      // A reply under way is waited for: asked for again, a slow connection would carry it twice.
      if (page || !pending.answer.hasMoved()) return page;
    }
  }

  /** When silence becomes proof of death: undefined while our own connections aren't proven to work. */
  #verdictAt({ answered, provenAt }: Pending, { suspect, suspectSince }: Suspicion): number | undefined {
    if (provenAt === undefined) return undefined;
    const { ackTimeoutMs } = this.#relay.settings;
    const isAnswering =
      answered !== undefined && suspect.status === "claimed" && answered.epoch === suspect.epoch;
    return Math.max(
      isAnswering ? answered.at + ackTimeoutMs : 0,
      provenAt + ackTimeoutMs,
      suspectSince + ackTimeoutMs,
      this.#reconnectedAt + RECONNECT_GRACE * ackTimeoutMs,
    );
  }

  async #verdict(
    question: Question,
    { pending, ...suspicion }: Suspicion & { pending: Pending },
  ): Promise<ReadResult | undefined> {
    const { clock, link, names } = this.#relay;
    const { suspect } = suspicion;
    const key = names.record(question.streamId);
    const record = await link.get(key);
    // It lives: its answer came while the record was looked up.
    if (pending.page) return { status: "page", page: pending.page };
    if (record.status === "done") return { status: "done" };
    if (record.status === "free") return { status: "absent" };
    if (suspect.status !== "claimed" || record.raw !== suspect.raw) return undefined;
    // Who was asked is gone. Its silence says nothing of who has the stream now.
    const isAsked = question.epoch === undefined || record.epoch === 0 || record.epoch === question.epoch;
    if (!isAsked) return { status: "lost" };
    if (clock.now() < (this.#verdictAt(pending, suspicion) ?? Number.POSITIVE_INFINITY)) return undefined;
    // Before the id is free: a producer that was only frozen must not wake into its successor's stream.
    await link.publish(
      names.request(question.streamId),
      encodeRequest({ type: "fence", epoch: record.epoch }),
    );
    if (await link.freeIf(key, record.raw)) return { status: "lost" };
    // Others asked as well, and one of them was first: its verdict is ours, and no reason to wait all over again.
    return (await link.get(key)).status === "free" ? { status: "lost" } : undefined;
  }

  #subscribe(): Subscription {
    const { names, subscriptions } = this.#relay;
    return subscriptions.subscribe(names.inbox(this.listenerId), (message) => this.#receive(message));
  }

  #receive(message: string): void {
    const frame = parseFrame(message);
    if (!frame) return this.#reportForeign();
    if (frame.requestId === undefined) return;
    const pending = this.#pending.get(frame.requestId);
    if (!pending) return;
    if (frame.type === "echo") {
      pending.provenAt ??= this.#relay.clock.now();
      return;
    }
    if (pending.answered)
      Object.assign(pending.answered, { epoch: frame.page.epoch, at: this.#relay.clock.now() });
    const page = pending.answer.add(frame.page, frame.isLast);
    if (!page) return;
    pending.page = page;
    pending.reply.resolve(page);
  }
}

function unheard(): ResumableStreamError {
  return new ResumableStreamError("TRANSPORT_UNAVAILABLE", "Gave up asking: nobody here follows any more.");
}

function unreachable(streamId: string): ResumableStreamError {
  const message = `Cannot reach the producer of "${streamId}": messages of this process don't come back to it. Check the connection to the pub/sub server.`;
  return new ResumableStreamError("TRANSPORT_UNAVAILABLE", message);
}
