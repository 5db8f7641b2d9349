// The record of one claim: lives as long as its stream runs, tells how it ended, and knows who holds it.

import { backoffMs } from "../../lib/backoff.ts";
import { type Cancel, sleep } from "../../lib/clock.ts";
import type { Latch } from "../../lib/latch.ts";
import type { EndKind, RecordedEnd } from "../../port/transport.ts";
import { type Ownership } from "./ports.ts";
import { claimValue } from "./record.ts";
import type { RelayParts } from "./parts.ts";

/** However long records live: timers count no further than 24 days. */
const MAX_RENEWAL_MS = 86_400_000;
const RETRY = { firstMs: 100, maxMs: 2_000 };
/** How long an end is written again if the server doesn't take it: a restart takes seconds. */
const MAX_FINISHING_MS = 15_000;
/** The same once its owner has closed the client: some open it anew at once. */
const MAX_CLOSED_MS = 1_000;

export interface HeldRecordOptions {
  relay: RelayParts;
  streamId: string;
  epoch: number;
}

export class HeldRecord {
  readonly #relay: RelayParts;
  readonly #key: string;
  readonly #claim: Ownership;
  #cancelRenewal: Cancel = () => {};
  #isEnding = false;

  constructor({ relay, streamId, epoch }: HeldRecordOptions) {
    this.#relay = relay;
    this.#key = relay.names.record(streamId);
    this.#claim = { epoch, ttlSeconds: relay.settings.retentionSeconds };
  }

  /** Until released: a record that expires under a running stream would leave its id free. */
  keepAlive(): void {
    const { clock, link } = this.#relay;
    const delayMs = Math.min((this.#claim.ttlSeconds * 1_000) / 2, MAX_RENEWAL_MS);
    this.#cancelRenewal = clock.after(delayMs, () => {
      link.background(link.renew(this.#key, this.#claim));
      this.keepAlive();
    });
  }

  release(): void {
    this.#cancelRenewal();
  }

  /** Claims again what a restarted server has forgotten. False if a newer claim holds it. */
  async reassert(): Promise<boolean> {
    const { link } = this.#relay;
    if (await link.claimIfFree(this.#key, this.#claim)) return true;
    const record = await link.get(this.#key);
    return record.status !== "claimed" || record.epoch <= this.#claim.epoch;
  }

  /** Whether another claim holds the record, or was the last to end it. */
  async isAnothers(): Promise<boolean> {
    const { link } = this.#relay;
    const record = await link.get(this.#key);
    switch (record.status) {
      case "claimed":
        return record.epoch !== 0 && record.epoch !== this.#claim.epoch;
      case "done":
        return (await link.lastEnd(this.#key))?.epoch !== this.#claim.epoch;
      case "free":
        // Under one that runs a restarted server has forgotten it. Under one that has failed any number may have failed since.
        return this.#isEnding;
    }
  }

  /**
   * Writes the end, again for a while if the server doesn't take it, unless `hurry` is set. False if a newer claim
   * has the record, and keeps it.
   */
  async end({ end, tail }: { end: EndKind | undefined; tail: number }, hurry: Latch): Promise<boolean> {
    const { clock, link } = this.#relay;
    const startedAt = clock.now();
    this.#isEnding = true;
    this.release();
    for (let attempt = 0; ; attempt++) {
      try {
        if (end !== "failed" && end !== "lost") {
          const last: RecordedEnd = { epoch: this.#claim.epoch, tail, end: end === "stopped" ? end : "done" };
          return await link.finish(this.#key, this.#claim, last);
        }
        await link.freeIf(this.#key, claimValue(this.#claim.epoch));
        return true;
      } catch (error) {
        link.report(error);
        const maxMs = link.port.isClosed?.() ? MAX_CLOSED_MS : MAX_FINISHING_MS;
        if (clock.now() - startedAt >= maxMs) return true;
        await sleep(clock, backoffMs(attempt, RETRY), hurry);
        if (hurry.isSet) return true;
      }
    }
  }
}
