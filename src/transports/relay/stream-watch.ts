// All followers that a process has of one stream: one live subscription, each frame parsed once.

import { background } from "../../lib/background.ts";
import type { Cancel } from "../../lib/clock.ts";
import type { WatchSignal } from "../../port/transport.ts";
import { foreignMessageReport } from "./foreign-messages.ts";
import { encodeRequest, MAX_KEEP_MS, parseFrame } from "./protocol.ts";
import type { Heard, Requests } from "./requests.ts";
import type { RelayParts } from "./parts.ts";
import type { Subscription } from "./subscriptions.ts";

/** A producer forgets a follower process it hasn't heard of for this many liveness periods. */
const KEEP_PERIODS = 4;

export interface StreamWatchOptions {
  streamId: string;
  relay: RelayParts;
  requests: Requests;
  /** Nobody follows here any more; `released` settles, and never rejects, when the channels are given back. */
  onClosed: (released: Promise<unknown>) => void;
}

export class StreamWatch {
  readonly ready: Promise<void>;
  /** How long the producer is asked to remember this process. */
  readonly keepMs: number;

  /** The last answer that this process had of the stream's producer, to whatever question. */
  readonly heard: Heard = { last: undefined };

  readonly #options: StreamWatchOptions;
  readonly #listeners = new Set<(signal: WatchSignal) => void>();
  readonly #subscriptions: readonly Subscription[];
  /** When the producer last heard of us; absent while it never did. */
  #askedAt: number | undefined;
  readonly #reportForeign: () => void;
  #cancelRenewal: Cancel = () => {};

  constructor(options: StreamWatchOptions) {
    this.#options = options;
    this.#reportForeign = foreignMessageReport(
      options.relay.onError,
      `the live channel of "${options.streamId}"`,
    );
    const { link, names, settings, subscriptions } = options.relay;
    this.keepMs = Math.min(KEEP_PERIODS * settings.livenessMs, MAX_KEEP_MS);
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
    this.#cancelRenewal();
    const { link } = this.#options.relay;
    const told = this.#askedAt === undefined ? Promise.resolve() : this.#tell("leave");
    const released = this.#subscriptions.map((subscription) =>
      link
        .subscribed("unsubscribe from", subscription.release())
        .catch((error: unknown) => link.report(error)),
    );
    this.#options.onClosed(Promise.all([told, ...released]));
  }

  /** A request is about to be sent: the producer knows of us for `keepMs`. */
  asked(): void {
    const { clock } = this.#options.relay;
    const isFirst = this.#askedAt === undefined;
    this.#askedAt = clock.now();
    if (isFirst) this.#scheduleRenewal();
  }

  signal(signal: WatchSignal): void {
    for (const listener of this.#listeners) listener(signal);
  }

  #receive(message: string): void {
    const frame = parseFrame(message);
    if (frame?.type === "page") return this.signal({ type: "page", page: frame.page });
    this.#reportForeign();
  }

  /** Text that flows without a gap needs no reads, yet the producer has to know that somebody takes it. */
  #scheduleRenewal(): void {
    const { clock } = this.#options.relay;
    const everyMs = this.keepMs / 3;
    this.#cancelRenewal = clock.after(everyMs, () => {
      if (clock.now() - (this.#askedAt ?? 0) >= everyMs) {
        this.#askedAt = clock.now();
        void this.#tell("watch");
      }
      this.#scheduleRenewal();
    });
  }

  /** Settles, and never rejects: what a lost message would have told, silence tells later. */
  #tell(type: "watch" | "leave"): Promise<unknown> {
    const { relay, requests, streamId } = this.#options;
    const { listenerId } = requests;
    const request = type === "leave" ? { type, listenerId } : { type, listenerId, keepMs: this.keepMs };
    const channel = relay.names.request(streamId);
    return relay.link
      .publish(channel, encodeRequest(request))
      .catch((error: unknown) => relay.link.report(error));
  }
}
