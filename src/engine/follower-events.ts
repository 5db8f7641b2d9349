// Events of one follower.

import type { EndKind } from "../port/transport.ts";
import type { StreamsEvent } from "./streams-options.ts";

/** `following` once its caller has the stream, and `ended` after that alone. */
export class FollowerEvents {
  readonly #onEvent: (event: StreamsEvent) => void;
  readonly #follower: { streamId: string; offset: number };
  #isFollowing = false;
  /** An end that was learned before the caller had the stream; absent otherwise. */
  #early: (() => void) | undefined;

  constructor(onEvent: (event: StreamsEvent) => void, follower: { streamId: string; offset: number }) {
    this.#onEvent = onEvent;
    this.#follower = follower;
  }

  following(): void {
    this.#isFollowing = true;
    this.#onEvent({ type: "following", ...this.#follower });
    this.#early?.();
  }

  ended(end: EndKind, offset: number): void {
    const { streamId } = this.#follower;
    const tell = (): void => this.#onEvent({ type: "ended", streamId, role: "follower", end, offset });
    if (this.#isFollowing) tell();
    else this.#early = tell;
  }
}
