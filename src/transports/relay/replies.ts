// A producer's answers to reads: pages from its backlog, in frames, in the order they were asked for, and no more at a time
// than a line to the server carries in a moment.

import { background } from "../../lib/background.ts";
import type { ProducerPort } from "../../port/transport.ts";
import { MAX_REPLY_UNITS } from "./reply-assembly.ts";
import { encodeAck, encodePages } from "./protocol.ts";
import type { RelayParts } from "./parts.ts";

/**
 * Pages on their way to the server, in code units. More would only queue in the client, before live text and for longer than
 * a follower waits: 60 of a 10 MB text took their producer for dead over a line of 100 Mbit/s.
 */
const MAX_REPLYING_UNITS = 1_048_576;
/** More questions than this don't wait, and are asked again: a flood of made-up ones must not grow the process. */
const MAX_WAITING = 10_000;
/** How long what doesn't leave counts as on its way, in time-outs: a client may hold it back until it is connected again. */
const LEAVING_TIMEOUTS = 10;

export interface RepliesOptions {
  relay: RelayParts;
  epoch: number;
  producer: ProducerPort;
}

export interface Reply {
  listenerId: string;
  requestId: number;
  from: number;
  maxUnits: number;
}

export class Replies {
  readonly #options: RepliesOptions;
  /** By who asks and which question, as are those that wait for room, the longest first. */
  readonly #replying = new Set<string>();
  readonly #waiting = new Map<string, Reply>();
  #replyingUnits = 0;

  constructor(options: RepliesOptions) {
    this.#options = options;
  }

  /** Answers, once there is room. A question that comes again meanwhile isn't answered twice. */
  send(reply: Reply): void {
    const key = `${reply.listenerId}:${reply.requestId}`;
    if (this.#replying.has(key)) return;
    if (this.#waiting.size < MAX_WAITING) this.#waiting.set(key, reply);
    this.#replyWhileRoom();
    if (this.#waiting.has(key)) this.open(reply);
  }

  /** Tells who asks that an answer will come: who hears nothing would take this producer for dead. */
  open({ listenerId, requestId, from }: Reply): void {
    const { epoch, relay } = this.#options;
    const opening = encodeAck({ from, tail: this.#tail() }, epoch, { requestId, by: relay.contextId });
    relay.link.background(relay.link.publish(relay.names.inbox(listenerId), opening));
  }

  #replyWhileRoom(): void {
    for (const [key, reply] of this.#waiting) {
      const units = Math.min(reply.maxUnits, MAX_REPLY_UNITS, Math.max(this.#tail() - reply.from, 0));
      if (this.#replyingUnits + units > MAX_REPLYING_UNITS) return;
      this.#waiting.delete(key);
      this.#reply(reply, { key, units });
    }
  }

  #reply({ listenerId, requestId, from }: Reply, { key, units }: { key: string; units: number }): void {
    const { epoch, producer, relay } = this.#options;
    const slice = producer.read(from, units);
    this.#replying.add(key);
    this.#replyingUnits += units;
    const inbox = relay.names.inbox(listenerId);
    const timeoutMs = LEAVING_TIMEOUTS * relay.settings.ackTimeoutMs;
    const sending = [...encodePages(slice, epoch, { requestId, by: relay.contextId })].map((frame) =>
      relay.link.publish(inbox, frame, timeoutMs),
    );
    const sent = Promise.allSettled(sending).then(() => {
      this.#replying.delete(key);
      this.#replyingUnits -= units;
      this.#replyWhileRoom();
      return Promise.all(sending);
    });
    background(sent, (error) => relay.link.report(error));
  }

  #tail(): number {
    return this.#options.producer.read(0, 0).tail;
  }
}
