// The claims of a process: which of them is a stream's, and what becomes of it.

import { createDeferred } from "../../lib/deferred.ts";
import type { Cancel } from "../../lib/clock.ts";
import type { EndKind, ProducerPort } from "../../port/transport.ts";
import { LogClaim } from "./claim.ts";
import type { Handovers } from "./handovers.ts";
import { Lane } from "./lane.ts";
import type { LogParts } from "./parts.ts";
import type { Claimed } from "./store.ts";

/** A stream that has ended, whose end the store may lose. */
interface EndedClaim {
  claim: LogClaim;
  lane: Lane;
  end: EndKind;
  cancel: Cancel;
}

export class Writer {
  readonly #parts: LogParts;
  readonly #handovers: Handovers;
  readonly #claims = new Map<string, { claim: LogClaim; lane: Lane }>();
  /** By key, for a lease from their ends on: a server that takes over without what it had acknowledged is told them again. */
  readonly #ended = new Map<string, EndedClaim>();
  /** Of all claims, if they are written together. */
  readonly #sharedLane: Lane | undefined;
  /** Resolved when no claim is left, or nothing more can be written; absent until `close`. */
  #closed: ReturnType<typeof createDeferred<void>> | undefined;
  /** Closed, and nothing is written any more. */
  #isOver = false;
  readonly #onEmpty: () => void;

  constructor(parts: LogParts, { handovers, onEmpty }: { handovers: Handovers; onEmpty: () => void }) {
    this.#parts = parts;
    this.#handovers = handovers;
    this.#onEmpty = onEmpty;
    this.#sharedLane = parts.store.isApart ? undefined : this.#createLane();
  }

  get hasClaims(): boolean {
    return this.#claims.size > 0;
  }

  open(key: string, { claimed, producer }: { claimed: Claimed; producer: ProducerPort }): LogClaim {
    const { clock, store } = this.#parts;
    const { epoch } = claimed;
    const lane = this.#sharedLane ?? this.#createLane();
    const claim: LogClaim = new LogClaim(
      {
        key,
        hint: store.hintOf(key),
        claimed,
        producer,
        isHandedOver: () => this.#handovers.isAnothers(key, epoch, () => claim.untilTaken()),
        onPending: (pending) => this.#claims.get(key)?.lane.pending(pending),
      },
      clock.now(),
    );
    if (this.#isOver) {
      // Won while the context closed: nobody writes under it any more, and nobody may wait for it.
      claim.close();
      return claim;
    }
    this.#forget(key);
    // Two claims of this process: the record is the newer one's, whichever answer comes first.
    const other = this.#claims.get(key)?.claim;
    if (other && other.epoch > epoch) {
      this.#fence(claim);
      return claim;
    }
    if (other) this.#fence(other);
    this.#claims.set(key, { claim, lane });
    lane.add(claim);
    return claim;
  }

  /** Nothing is written under it. */
  abandon(claim: LogClaim): void {
    this.#drop(claim);
  }

  /** Producers of this process among these look at their records. */
  asked(hints: readonly string[]): void {
    const asked = new Set(hints);
    for (const { claim, lane } of this.#claims.values()) {
      if (asked.has(claim.hint)) lane.pending(claim, "asked");
    }
    this.#endAgain(({ claim }) => asked.has(claim.hint));
  }

  /** Streams of this process among these. */
  keysOf(hints: readonly string[]): string[] {
    const wanted = new Set(hints);
    return [...this.#claims.values()].flatMap(({ claim: { key, hint } }) => (wanted.has(hint) ? [key] : []));
  }

  /** All producers of this process look at their records. */
  hurry(): void {
    for (const { claim, lane } of this.#claims.values()) {
      lane.pending(claim, "asked");
      lane.hurry();
    }
    this.#endAgain(() => true);
  }

  /** Writes what there is, and settles when all streams have ended or the store doesn't answer. */
  async close(): Promise<void> {
    this.#closed ??= createDeferred<void>();
    for (const key of this.#ended.keys()) this.#forget(key);
    if (this.#claims.size === 0) this.#closed.resolve();
    else for (const { lane } of this.#claims.values()) lane.hurry();
    await this.#closed.promise;
    for (const { claim } of this.#claims.values()) this.#drop(claim);
    this.#isOver = true;
  }

  #createLane(): Lane {
    return new Lane({
      parts: this.#parts,
      heartbeatMs: this.#parts.settings.leaseMs / 3,
      isClosing: () => this.#closed !== undefined,
      onFenced: (claim) => this.#fence(claim),
      onRefused: (claim) => this.#part(claim),
      onEnded: (claim, end) => this.#onEnded(claim, end),
      onOver: (claim) => this.#drop(claim),
    });
  }

  #part(claim: LogClaim): void {
    const open = this.#claims.get(claim.key);
    if (open?.claim !== claim) return;
    open.lane.delete(claim);
    open.lane = this.#createLane();
    open.lane.add(claim);
    open.lane.pending(claim);
  }

  #fence(claim: LogClaim): void {
    this.#drop(claim);
    if (claim.isHandingOver) this.#handovers.disown(claim.key, claim.epoch, () => claim.untilTaken());
    if (claim.endedAt === undefined) claim.producer.fenced();
  }

  #onEnded(claim: LogClaim, end: EndKind): void {
    const { clock, settings, store } = this.#parts;
    const { key } = claim;
    const lane = this.#claims.get(key)?.lane;
    const now = clock.now();
    claim.endedAt ??= now;
    this.#drop(claim);
    // From its first end on: a client that reconnects again and again must not keep it for ever.
    const keptMs = claim.endedAt + settings.leaseMs - now;
    if (!lane || !store.mayForget || this.#closed || keptMs <= 0) return;
    const cancel = clock.meanwhile(keptMs, () => this.#ended.delete(key));
    this.#ended.set(key, { claim, lane, end, cancel });
  }

  #endAgain(isMeant: (ended: EndedClaim) => boolean): void {
    for (const ended of [...this.#ended.values()].filter(isMeant)) {
      const { claim, end, lane } = ended;
      this.#forget(claim.key);
      this.#claims.set(claim.key, { claim, lane });
      lane.add(claim);
      claim.endAgain(end);
    }
  }

  #forget(key: string): void {
    this.#ended.get(key)?.cancel();
    this.#ended.delete(key);
  }

  #drop(claim: LogClaim): void {
    const open = this.#claims.get(claim.key);
    if (open?.claim === claim) {
      open.lane.delete(claim);
      this.#claims.delete(claim.key);
    }
    claim.close();
    if (this.#claims.size > 0) return;
    this.#closed?.resolve();
    this.#onEmpty();
  }
}
