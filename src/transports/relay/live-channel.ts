// A producer's word to all who follow at once: live frames, while there is anybody, and in checks how far those have come.

import type { Slice } from "../../port/transport.ts";
import type { Interest } from "./interest.ts";
import type { RelayParts } from "./parts.ts";
import { encodePages, type StreamMark } from "./protocol.ts";

export interface LiveChannelOptions {
  streamId: string;
  epoch: number;
  relay: RelayParts;
  interest: Interest;
}

export interface CheckedStream extends StreamMark {
  /** The round of checks that first saw it so. */
  changedIn: number;
}

export class LiveChannel {
  readonly #options: LiveChannelOptions;
  /** Frames have carried this. */
  #mark: StreamMark;
  /** The same, as a check last saw it. */
  #checked: CheckedStream;

  constructor(options: LiveChannelOptions) {
    this.#options = options;
    this.#mark = { epoch: options.epoch, tail: 0, end: undefined };
    this.#checked = { ...this.#mark, changedIn: 0 };
  }

  async publish(slice: Slice): Promise<void> {
    const { epoch, interest, relay, streamId } = this.#options;
    const { link, names } = relay;
    const channel = names.live(streamId);
    // Also if publishing fails: a check tells followers what they miss.
    this.#mark = toMark(slice, epoch);
    try {
      for (const frame of encodePages(slice, epoch)) {
        // How many received it says nothing: a cluster's node, and a replica's master, count their own subscribers only.
        await link.publish(channel, frame);
        if (interest.size === 0) return;
      }
    } catch (error) {
      // What comes next is worth a try of its own.
      link.report(error);
    }
  }

  /** Tells a check of this stream, and renews the interest of a context that follows; undefined if it doesn't follow. */
  checked(
    listenerId: string,
    { keepMs, round }: { keepMs: number; round: number },
  ): CheckedStream | undefined {
    if (!this.#options.interest.renew(listenerId, keepMs)) return undefined;
    const { tail, end } = this.#mark;
    const hasChanged = tail !== this.#checked.tail || end !== this.#checked.end;
    if (hasChanged) this.#checked = { ...this.#mark, changedIn: round };
    return this.#checked;
  }
}

function toMark({ from, text, tail, end }: Slice, epoch: number): StreamMark {
  const stop = from + text.length;
  return { epoch, tail: stop, end: stop === tail ? end : undefined };
}
