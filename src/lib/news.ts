// Trouble that is told once, however many calls it fails.

import type { Clock } from "./clock.ts";

/** An outage during which some calls succeed is one outage: trouble after a calm of this length is another. */
const CALM_MS = 30_000;

export class News {
  readonly #clock: Clock;
  /** When there was trouble of a kind last. */
  readonly #troubledAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this trouble is the first of its kind in an outage. */
  isNew(kind: string): boolean {
    const now = this.#clock.now();
    const before = this.#troubledAt.get(kind);
    this.#troubledAt.set(kind, now);
    return before === undefined || now - before >= CALM_MS;
  }
}
