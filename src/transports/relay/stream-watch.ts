// All followers that a process has of one stream: one live subscription, each frame parsed once.

import { background } from "../../lib/background.ts";
import type { Page, WatchSignal } from "../../port/transport.ts";
import { foreignMessageReport } from "./foreign-messages.ts";
import { encodeRequest, parseFrame, type StreamMark } from "./protocol.ts";
import type { Heard, Requests } from "./requests.ts";
import type { RelayParts } from "./parts.ts";
import type { Subscription } from "./subscriptions.ts";

/** A check's answer, as far as it is of one stream. */
export interface Checked {
  /** The context that answered. */
  by: string;
  epoch: number;
  /** When it was asked. */
  sentAt: number;
  /** It doesn't know that this context follows. */
  isUnknown: boolean;
  /** Absent if nothing has changed since its last answer. */
  mark: StreamMark | undefined;
}

export interface StreamWatchOptions {
  streamId: string;
  relay: RelayParts;
  requests: Requests;
  /** How long the producer is asked to remember this context. */
  keepMs: number;
  /** Nobody follows here any more; `released` settles, and never rejects, when the channels are given back. */
  onClosed: (released: Promise<unknown>) => void;
}

export class StreamWatch {
  readonly ready: Promise<void>;
  /** The last answer that this process had of the stream's producer, to whatever question. */
  readonly heard: Heard = { last: undefined };

  readonly #options: StreamWatchOptions;
  readonly #listeners = new Set<(signal: WatchSignal) => void>();
  readonly #subscriptions: readonly Subscription[];
  /** When the producer last heard of us; absent while it never did. */
  #askedAt: number | undefined;
  /** When a live frame of the producer came that answered last; absent until one did. */
  #frameAt: number | undefined;
  readonly #reportForeign: () => void;

  constructor(options: StreamWatchOptions) {
    this.#options = options;
    this.#reportForeign = foreignMessageReport(
      options.relay.onError,
      `the live channel of "${options.streamId}"`,
    );
    const { link, names, subscriptions } = options.relay;
    const live = names.live(options.streamId);
    this.#subscriptions = [
      options.requests.openInbox(),
      subscriptions.subscribe(live, (message) => this.#receive(message)),
    ];
    const subscribed = Promise.all(this.#subscriptions.map((subscription) => subscription.ready));
    this.ready = link.subscribed("subscribe to", subscribed).then(() => undefined);
    // Each follower awaits it; one that left first must not leave it unhandled.
    background(this.ready, () => undefined);
  }

  add(listener: (signal: WatchSignal) => void): void {
    this.#listeners.add(listener);
  }

  remove(listener: (signal: WatchSignal) => void): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    const { link } = this.#options.relay;
    const told = this.#askedAt === undefined ? Promise.resolve() : this.#leave();
    const released = this.#subscriptions.map((subscription) =>
      link
        .subscribed("unsubscribe from", subscription.release())
        .catch((error: unknown) => link.report(error)),
    );
    this.#options.onClosed(Promise.all([told, ...released]));
  }

  /** A request is about to be sent: the producer knows of us for `keepMs`. */
  asked(): void {
    this.#askedAt = this.#options.relay.clock.now();
  }

  /** When a share of the time is over for which the producer remembers this context; never before it is asked. */
  renewalAt(share: number): number {
    return this.#askedAt === undefined ? Infinity : this.#askedAt + share * this.#options.keepMs;
  }

  /** When something of its producer last came; `0` if nothing did. A live frame is no answer, as anybody can write to its channel. */
  get heardAt(): number {
    return Math.max(this.#frameAt ?? 0, this.heard.last?.at ?? 0);
  }

  checked({ by, epoch, sentAt, isUnknown, mark }: Checked): void {
    const { last } = this.heard;
    // Another producer has answered since.
    if (last?.by !== by || last.epoch !== epoch) return;
    if (isUnknown) return this.signal({ type: "missed" });
    this.heard.last = { ...last, at: this.#options.relay.clock.now() };
    this.#askedAt = Math.max(this.#askedAt ?? 0, sentAt);
    const tail = mark?.tail ?? 0;
    const page: Page = { epoch, from: tail, text: "", tail };
    if (mark?.end !== undefined) page.end = mark.end;
    this.signal({ type: "page", page });
  }

  signal(signal: WatchSignal): void {
    for (const listener of this.#listeners) listener(signal);
  }

  #receive(message: string): void {
    const frame = parseFrame(message);
    if (frame?.type !== "page") return this.#reportForeign();
    if (frame.page.epoch === this.heard.last?.epoch) this.#frameAt = this.#options.relay.clock.now();
    this.signal({ type: "page", page: frame.page });
  }

  /** Settles, and never rejects: what a lost message would have told, silence tells later. */
  #leave(): Promise<unknown> {
    const { relay, streamId } = this.#options;
    const message = encodeRequest({ type: "leave", listenerId: relay.contextId });
    return relay.link
      .publish(relay.names.request(streamId), message)
      .catch((error: unknown) => relay.link.report(error));
  }
}
