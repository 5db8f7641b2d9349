// The producer's side of checks: one answer to each context that follows, for all streams of this one.

import { encodeChecked, parseRequest, type Request, sumOf } from "./protocol.ts";
import { foreignMessageReport } from "./foreign-messages.ts";
import { KeptSubscription } from "./kept-subscription.ts";
import type { RelayClaim } from "./claim.ts";
import type { RelayParts } from "./parts.ts";

type Check = Extract<Request, { type: "check" }>;

export interface CheckAnswersOptions {
  relay: RelayParts;
  claims: ReadonlySet<RelayClaim>;
  onReleased: (released: Promise<void>) => void;
}

export class CheckAnswers {
  readonly #options: CheckAnswersOptions;
  readonly #inbox: KeptSubscription;
  /** Absent while nobody follows any of the streams. */
  #stopUsing: (() => void) | undefined;
  #round = 0;

  constructor(options: CheckAnswersOptions) {
    this.#options = options;
    const { clock, contextId, link, names, onError, subscriptions } = options.relay;
    const reportForeign = foreignMessageReport(onError, "this process's channel for checks");
    this.#inbox = new KeptSubscription({
      clock,
      subscriptions,
      channel: names.checks(contextId),
      onMessage: (message) => {
        const request = parseRequest(message);
        if (request?.type === "check") this.#answer(request);
        else reportForeign();
      },
      onFailed: (error) => link.report(error),
      onReleased: options.onReleased,
    });
  }

  /** Another context follows one of the streams. */
  followed(): void {
    this.#stopUsing ??= this.#inbox.use();
  }

  /** No stream is left. */
  emptied(): void {
    this.#stopUsing?.();
    this.#stopUsing = undefined;
  }

  close(): void {
    this.#inbox.close();
  }

  #answer({ count, keepMs, listenerId, requestId, since, sum }: Check): void {
    const { claims, relay } = this.#options;
    const round = ++this.#round;
    const followed = [...claims].flatMap((claim) => claim.checked(listenerId, { keepMs, round }) ?? []);
    // The asker may be wrong about what it follows, as a request or a "leave" may be on its way, or lost: it is told all.
    const isAll = followed.length !== count || sumOf(followed.map(({ epoch }) => epoch)) !== sum;
    const streams = isAll ? followed : followed.filter(({ changedIn }) => changedIn > since);
    const answer = { requestId, round, isAll, total: streams.length, streams };
    for (const frame of encodeChecked(answer)) {
      relay.link.background(relay.link.publish(relay.names.inbox(listenerId), frame));
    }
  }
}
