// How a producer comes to its claim: if the id is free, or over whoever has it; never two that don't know of each other.

import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/clock.ts";
import { createDeferred } from "../../lib/deferred.ts";
import { Latch } from "../../lib/latch.ts";
import type { ClaimRequest, ClaimResult, ProducerPort } from "../../port/transport.ts";
import { type Ownership } from "./ports.ts";
import { claimValue, type StatusRecord } from "./record.ts";
import { type Epochs, leavesRoom } from "./epochs.ts";
import type { Link } from "./link.ts";
import { encodeRequest } from "./protocol.ts";
import { RelayClaim } from "./claim.ts";
import { CheckAnswers } from "./check-answers.ts";
import type { RelayParts } from "./parts.ts";

/** A superseded producer may be subscribing this very moment. */
const FENCING = { firstMs: 25, maxMs: 800 };
/** How long a message may take from the server, which has answered its publisher, to who is subscribed. */
export const ARRIVAL_MS = 50;

export interface RelayClaimsOptions {
  relay: RelayParts;
  /** Like the relay's, with the time that a claim may take. */
  link: Link;
  epochs: Epochs;
}

export class RelayClaims {
  readonly #options: RelayClaimsOptions;
  readonly #relay: RelayParts;
  /** All that hold a record, or a channel. */
  readonly #claims = new Set<RelayClaim>();
  /** Ends that are being written, by stream. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #closing = new Latch();
  readonly #checks: CheckAnswers;
  /** Channels that are given back. */
  readonly #releasing = new Set<Promise<unknown>>();
  /** How often the publisher's connection came back. */
  #reconnects = 0;

  constructor(options: RelayClaimsOptions) {
    this.#options = options;
    this.#relay = options.relay;
    this.#checks = new CheckAnswers({
      relay: options.relay,
      claims: this.#claims,
      onReleased: (released) => this.#release(released),
    });
  }

  claim(streamId: string, request: ClaimRequest): Promise<ClaimResult> {
    const claim = (): Promise<ClaimResult> =>
      request.mode === "supersede"
        ? this.#supersede(streamId, request)
        : this.#claimIfFree(streamId, request);
    // An end of ours that takes several steps, or is tried again, must not come after the claim of what follows it.
    const ending = this.#ending.get(streamId);
    return ending ? this.#options.link.answered("claim", ending).then(claim) : claim();
  }

  /** The publisher's connection is back: a restarted server may have forgotten the records. */
  reconnected(): void {
    this.#reconnects += 1;
    for (const claim of this.#claims) claim.reassert();
  }

  /** Writes the ends that are left, without staying for followers. */
  async close(): Promise<void> {
    this.#closing.set();
    await Promise.all([...this.#claims].map((claim) => claim.shutdown()));
    this.#checks.close();
    await Promise.all(this.#releasing);
  }

  #release(released: Promise<void>): void {
    const { link } = this.#relay;
    const releasing = link
      .subscribed("unsubscribe from", released)
      .catch((error: unknown) => link.report(error))
      .finally(() => this.#releasing.delete(releasing));
    this.#releasing.add(releasing);
  }

  async #claimIfFree(streamId: string, request: ClaimRequest): Promise<ClaimResult> {
    const { producer } = request;
    const claim = this.#number();
    const key = this.#relay.names.record(streamId);
    const answer = this.#claimOnce(key, claim);
    try {
      // A record that is done looks the same here; the read that follows, or `peek`, tells.
      if (!(await this.#options.link.answered("claim", answer))) return { status: "running" };
    } catch (error) {
      const late = answer.then((isWon) =>
        isWon ? this.#late(streamId, { ...request, epoch: claim.epoch }) : undefined,
      );
      this.#relay.link.background(late);
      throw error;
    }
    return { status: "won", claim: this.#open(streamId, { epoch: claim.epoch, producer, isWon: true }) };
  }

  /**
   * Whether the record is this claim's. A client whose connection broke under a command sends it again: then the record may be
   * taken by the very claim whose answer was lost.
   */
  async #claimOnce(key: string, claim: Ownership): Promise<boolean> {
    const reconnects = this.#reconnects;
    const { records } = this.#options.link.port;
    if (await records.claimIfFree(key, claim)) return true;
    if (reconnects === this.#reconnects) return false;
    const record = await records.get(key);
    return record.status === "claimed" && record.epoch === claim.epoch;
  }

  async #supersede(streamId: string, request: ClaimRequest): Promise<ClaimResult> {
    const { link } = this.#options;
    const { producer } = request;
    const key = this.#relay.names.record(streamId);
    let superseded = 0;
    for (;;) {
      const claim = this.#number();
      // Opened before the record is written: whoever reads the record finds its producer.
      const opened = this.#open(streamId, { epoch: claim.epoch, producer, isWon: false });
      const answer = link.port.records.replace(key, claim);
      try {
        const [previous] = await Promise.all([
          link.answered("claim", answer),
          link.subscribed("subscribe for", opened.ready),
        ]);
        superseded = Math.max(superseded, fencedBy(claim, previous));
      } catch (error) {
        this.#relay.link.background(opened.close());
        const late = answer.then(async (previous) => {
          const isTaken = await this.#late(streamId, { ...request, epoch: claim.epoch });
          // Its record is gone: a producer that nobody finds any more must not think that it is followed.
          const replaced = Math.max(superseded, fencedBy(claim, previous));
          if (replaced > 0)
            await this.#fence(streamId, isTaken ? Math.min(replaced, claim.epoch - 1) : replaced);
        });
        this.#relay.link.background(late);
        throw error;
      }
      // A context that closes ends this claim next, and what it superseded is left to find out by itself.
      if (superseded < claim.epoch || this.#closing.isSet) {
        opened.won(superseded > 0 ? this.#untilFenced(streamId, superseded) : undefined);
        return { status: "won", claim: opened };
      }
      // The clock of what it supersedes runs ahead of ours: claim again, above it.
      this.#options.epochs.observe(superseded);
      await opened.close();
    }
  }

  /** Fences, and settles once who was superseded has heard it, if it lives and can be reached. Never rejects. */
  #untilFenced(streamId: string, epoch: number): Promise<void> {
    const sent = createDeferred<void>();
    const fencing = this.#fence(streamId, epoch, sent.resolve).finally(sent.resolve);
    this.#relay.link.background(fencing);
    return sent.promise.then(() => sleep(this.#relay.clock, ARRIVAL_MS, this.#closing));
  }

  /** Tells producers of epochs up to `epoch` that they were superseded: again for a while, since one may be subscribing only now. */
  async #fence(streamId: string, epoch: number, onSent: () => void = () => {}): Promise<void> {
    const { clock, link, names, settings } = this.#relay;
    const message = encodeRequest({ type: "fence", epoch });
    const until = clock.now() + settings.ackTimeoutMs;
    for (let attempt = 0; clock.now() < until && !this.#closing.isSet; attempt++) {
      await link.publish(names.request(streamId), message);
      onSent();
      await sleep(clock, backoffMs(attempt, FENCING), this.#closing);
    }
  }

  /** A claim that was won after its caller gave up: its text may be running without one, and if not the id must not stay taken. */
  async #late(
    streamId: string,
    { epoch, producer, onLate }: Pick<ClaimRequest, "producer" | "onLate"> & { epoch: number },
  ): Promise<boolean> {
    // Its caller, who has just given up, decides first whether it runs without.
    await new Promise<void>((resolve) => this.#relay.clock.nextTurn(resolve));
    if (onLate && !this.#closing.isSet) {
      const claim = this.#open(streamId, { epoch, producer, isWon: true });
      if (onLate(claim)) return true;
      this.#relay.link.background(claim.close());
    }
    // Does nothing where another has it by now.
    await this.#relay.link.freeIf(this.#relay.names.record(streamId), claimValue(epoch));
    return false;
  }

  #open(streamId: string, claimed: { epoch: number; producer: ProducerPort; isWon: boolean }): RelayClaim {
    const claim: RelayClaim = new RelayClaim({
      streamId,
      ...claimed,
      relay: this.#relay,
      onFinishing: (ended) => this.#finishing(streamId, ended),
      onFollowed: () => this.#checks.followed(),
      onClosed: () => {
        this.#claims.delete(claim);
        if (this.#claims.size === 0) this.#checks.emptied();
      },
    });
    this.#claims.add(claim);
    return claim;
  }

  #finishing(streamId: string, ended: Promise<void>): void {
    this.#ending.set(streamId, ended);
    const settled = ended.then(() => {
      if (this.#ending.get(streamId) === ended) this.#ending.delete(streamId);
    });
    this.#relay.link.background(settled);
  }

  #number(): Ownership {
    return { epoch: this.#options.epochs.next(), ttlSeconds: this.#relay.settings.retentionSeconds };
  }
}

/**
 * The epoch that a claim fences when it takes a record; 0 if there is none. One that no claim can come above is treated as
 * nobody's: a fence as high as that would end its own claim, too.
 */
function fencedBy(claim: Ownership, previous: StatusRecord): number {
  if (previous.status !== "claimed") return 0;
  return previous.epoch < claim.epoch || leavesRoom(previous.epoch) ? previous.epoch : 0;
}
