// The follower's side of checks: one question to each context that produces streams followed here, and for all of them. It tells
// what a read of each would while nothing comes: that the producer lives, and whether a message was lost.

import type { Cancel } from "../../lib/clock.ts";
import { type CheckAnswer, encodeRequest, type StreamMark, sumOf } from "./protocol.ts";
import type { RelayParts } from "./parts.ts";
import type { StreamWatch } from "./stream-watch.ts";

/** Shares of `livenessMs`: how long nothing is heard of a stream before it is asked about, so that an answer is there in time; */
const DUE = 0.75;
/** and how long an answer may take before the question is repeated. */
const REPEAT = 0.1;
/** Questions in a row without an answer, before the followers' own reads find out. */
const MAX_TRIES = 3;

/** A context that produces streams followed here. */
interface Producer {
  /** Of its last answer. */
  round: number;
  /** The last question; absent once it is answered. */
  question: Question | undefined;
}

interface Question {
  requestId: number;
  message: string;
  tries: number;
  sentAt: number;
  /** By epoch. */
  asked: Map<number, StreamWatch>;
  /** As far as the answer has come, by epoch, and its round. */
  told: Map<number, StreamMark>;
  round: number;
}

export interface ChecksOptions {
  relay: RelayParts;
  watches: ReadonlyMap<string, StreamWatch>;
  /** How long a producer is asked to remember this context. */
  keepMs: number;
  newRequestId: () => number;
  /** A context has answered. */
  onAnswered: (contextId: string) => void;
}

export class Checks {
  readonly #options: ChecksOptions;
  readonly #producers = new Map<string, Producer>();
  /** Absent while nothing is followed. */
  #cancel: Cancel | undefined;

  constructor(options: ChecksOptions) {
    this.#options = options;
  }

  /** A stream is followed. */
  start(): void {
    const { clock, settings } = this.#options.relay;
    this.#cancel ??= clock.after(DUE * settings.livenessMs, () => this.#tick());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#producers.clear();
  }

  receive(answer: CheckAnswer): void {
    for (const [contextId, producer] of this.#producers) {
      const { question } = producer;
      if (question?.requestId !== answer.requestId || answer.round < question.round) continue;
      this.#options.onAnswered(contextId);
      // A question that was repeated is answered twice, and each answer is of its own moment.
      if (answer.round > question.round) question.told.clear();
      question.round = answer.round;
      for (const mark of answer.streams) question.told.set(mark.epoch, mark);
      if (question.told.size < answer.total) return;
      producer.question = undefined;
      producer.round = answer.round;
      const { asked, sentAt, told } = question;
      for (const [epoch, watch] of asked) {
        const isUnknown = answer.isAll && !told.has(epoch);
        watch.checked({ by: contextId, epoch, sentAt, isUnknown, mark: told.get(epoch) });
      }
      return;
    }
  }

  #tick(): void {
    const { relay, watches } = this.#options;
    this.#cancel = undefined;
    if (watches.size === 0) return this.stop();
    const { livenessMs } = relay.settings;
    const now = relay.clock.now();
    const followed = this.#byProducer(now);
    for (const contextId of this.#producers.keys()) {
      if (!followed.has(contextId)) this.#producers.delete(contextId);
    }
    let nextAt = now + DUE * livenessMs;
    for (const [contextId, streams] of followed) {
      const producer = this.#producers.get(contextId) ?? { round: 0, question: undefined };
      this.#producers.set(contextId, producer);
      nextAt = Math.min(nextAt, this.#askIfDue(contextId, producer, { streams, now }));
    }
    const delayMs = Math.max(nextAt - now, (REPEAT / 2) * livenessMs);
    this.#cancel = relay.clock.after(delayMs, () => this.#tick());
  }

  /** Streams that are followed, by the context that was last heard to produce each. */
  #byProducer(now: number): Map<string, Map<number, StreamWatch>> {
    const found = new Map<string, Map<number, StreamWatch>>();
    for (const watch of this.#options.watches.values()) {
      // Its producer may have forgotten that somebody follows.
      if (watch.renewalAt(1 / 2) <= now) watch.signal({ type: "missed" });
      const { by, epoch } = watch.heard.last ?? {};
      if (by === undefined || epoch === undefined) continue;
      const streams = found.get(by) ?? new Map<number, StreamWatch>();
      found.set(by, streams.set(epoch, watch));
    }
    return found;
  }

  /** Answers when it has to be seen to next. */
  #askIfDue(
    contextId: string,
    producer: Producer,
    { streams, now }: { streams: Map<number, StreamWatch>; now: number },
  ): number {
    const { livenessMs } = this.#options.relay.settings;
    const { question } = producer;
    if (question) {
      const hasFailed = question.tries >= MAX_TRIES;
      const repeatAt = question.sentAt + (hasFailed ? 1 : REPEAT) * livenessMs;
      if (now < repeatAt) return repeatAt;
      if (!hasFailed) {
        this.#send(contextId, question, now);
        return now + REPEAT * livenessMs;
      }
    }
    let dueAt = Infinity;
    for (const watch of streams.values()) {
      dueAt = Math.min(dueAt, watch.heardAt + DUE * livenessMs, watch.renewalAt(1 / 3));
    }
    if (now < dueAt) return dueAt;
    producer.question = this.#newQuestion(producer.round, streams, now);
    this.#send(contextId, producer.question, now);
    return now + REPEAT * livenessMs;
  }

  #newQuestion(since: number, streams: Map<number, StreamWatch>, now: number): Question {
    const { keepMs, newRequestId, relay } = this.#options;
    const requestId = newRequestId();
    const epochs = [...streams.keys()];
    const message = encodeRequest({
      type: "check",
      listenerId: relay.contextId,
      requestId,
      keepMs,
      since,
      count: epochs.length,
      sum: sumOf(epochs),
    });
    return { requestId, message, tries: 0, sentAt: now, asked: streams, told: new Map(), round: 0 };
  }

  #send(contextId: string, question: Question, now: number): void {
    const { link, names } = this.#options.relay;
    question.tries += 1;
    question.sentAt = now;
    link.background(link.publish(names.checks(contextId), question.message));
  }
}
