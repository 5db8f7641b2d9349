// A producer's answers to reads: pages from its backlog, in frames, no more at a time than the process can bear.

import { background } from "../../lib/background.ts";
import type { ProducerPort } from "../transport.ts";
import { MAX_REPLY_UNITS } from "./answer.ts";
import { encodePages } from "./protocol.ts";
import type { RelayContext } from "./settings.ts";

/** Pages on their way to followers, in code units: requests beyond it go unanswered and are repeated. */
const MAX_REPLYING_UNITS = 16_777_216;

export interface RepliesOptions {
  relay: RelayContext;
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
  #replyingUnits = 0;

  constructor(options: RepliesOptions) {
    this.#options = options;
  }

  send({ listenerId, requestId, from, maxUnits }: Reply): void {
    const { epoch, producer, relay } = this.#options;
    const slice = producer.read(from, Math.min(maxUnits, MAX_REPLY_UNITS));
    const units = slice.text.length;
    if (this.#replyingUnits + units > MAX_REPLYING_UNITS) return;
    this.#replyingUnits += units;
    const sent = (): void => {
      this.#replyingUnits -= units;
    };
    const inbox = relay.names.inbox(listenerId);
    const frames = [...encodePages(slice, epoch, requestId)];
    const sending = frames.map((frame) => relay.link.publish(inbox, frame));
    background(Promise.all(sending).then(sent), (error) => {
      sent();
      relay.link.report(error);
    });
  }
}
