// Claims and writes of a log over Redis: what a script is told of them, and what its answer says.

import type { Clock } from "../../lib/clock.ts";
import type { EndKind } from "../../port/transport.ts";
import type { Append, AppendAnswer, ClaimAsk, Claimed } from "../log/store.ts";
import { toList, toListOrNothing, toNumber, toText, unexpected } from "./answers.ts";
import { liveChannelOf } from "./names.ts";
import type { LogRequests } from "./requests.ts";
import { toWords } from "./runs.ts";

const PUBLISH = "PUBLISH";
/** How much later than we think a claim may have been asked for, by the server's clock: an answer takes a while to tell the time. */
const SLACK_MS = 1_000;

export interface ClaimsOptions {
  requests: LogRequests;
  clock: Clock;
  retentionSeconds: number;
  leaseMs: number;
  /** The channel at which this context's producers are asked. */
  inbox: string;
  /** Names this context among all of the server. */
  name: string;
}

/** A claim as it was asked for, and what stood there before. */
interface Claiming {
  request: string;
  handovers: number | null;
  /** The epoch that it superseded; empty if there was none. */
  before: string;
  /** The older producer's inbox; empty if none runs. */
  inbox: string;
  /** When the server last had it, by this process's clock. */
  confirmedAt: number;
  /** Bytes in its open tail. */
  openBytes: number;
}

export class RedisClaims {
  readonly #options: ClaimsOptions;
  readonly #claimings = new WeakMap<Claimed, Claiming>();
  #count = 0;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  async claim(key: string, ask: ClaimAsk, onLate: (late: Claimed) => void): Promise<Claimed | undefined> {
    const request = `${this.#options.name}:${this.#count++}`;
    const { handovers } = ask;
    const toClaimed = (answer: unknown): Claimed | undefined =>
      this.#toClaimed(answer, { request, handovers });
    const values = this.#values(key, { ...ask, request });
    const answer = await this.#options.requests.runForCaller("claim", key, values, (late) => {
      const claimed = toClaimed(late);
      if (claimed) onLate(claimed);
    });
    return toClaimed(answer);
  }

  /** The inbox of the producer that a claim superseded; empty if none ran. */
  olderInbox(claimed: Claimed): string {
    return this.#claiming(claimed).inbox;
  }

  async append(append: Append): Promise<AppendAnswer> {
    const { claimed, end, from, key, owed, pieces } = append;
    const claiming = this.#claiming(claimed);
    const { words, openBytes } = toWords(pieces, claiming.openBytes);
    const ttlMs = end === undefined ? this.#ttlMs : this.#options.retentionSeconds * 1_000;
    const values = [String(claimed.epoch), String(from), end ?? "", String(Math.ceil(ttlMs)), textOf(owed)];
    const answer = await this.#options.requests.run("write", key, [
      ...values,
      liveChannelOf(key),
      PUBLISH,
      ...words,
    ]);
    const [status, first, second, third] = toList(answer);
    switch (toText(status)) {
      case "ok":
        claiming.openBytes = openBytes;
        this.#confirm(claiming, first);
        return { status: "written", isWatched: toText(second) === "1", stop: toStop(toText(third)) };
      case "at":
        claiming.openBytes = toNumber(second);
        return { status: "at", tail: toNumber(first) };
      case "gone":
        return this.#restore(append);
      case "fenced":
        // A server that took over without our claim has what that superseded.
        return toText(first) === claiming.before ? this.#restore(append) : { status: "fenced" };
      default:
        throw unexpected("a status");
    }
  }

  /** The server has lost the claim: it is made again, unless another has the stream by now. */
  async #restore({ claimed, key }: Append): Promise<AppendAnswer> {
    const { clock } = this.#options;
    const claiming = this.#claiming(claimed);
    const { before, confirmedAt, handovers, request } = claiming;
    // A process that slept so long may have had a successor, whose record has expired since.
    if (clock.now() - confirmedAt > this.#ttlMs / 2) return { status: "fenced" };
    const values = this.#values(key, { mode: "restore", handovers, isOwedGivenUp: true, request });
    const answer = await this.#options.requests.run("claim", key, [...values, String(claimed.epoch), before]);
    const list = toListOrNothing(answer);
    if (!list) return { status: "fenced" };
    claiming.openBytes = 0;
    this.#confirm(claiming, list[0]);
    return { status: "at", tail: 0 };
  }

  #values(
    key: string,
    ask: Omit<ClaimAsk, "mode"> & { mode: ClaimAsk["mode"] | "restore"; request: string },
  ): string[] {
    const { mode, handovers, isOwedGivenUp, request } = ask;
    const ttlMs = String(Math.ceil(this.#ttlMs));
    const { inbox } = this.#options;
    const givenUp = isOwedGivenUp ? "1" : "0";
    const askedAt = this.#options.requests.serverTime;
    return [
      mode,
      ttlMs,
      inbox,
      textOf(handovers),
      givenUp,
      request,
      liveChannelOf(key),
      PUBLISH,
      askedAt === undefined ? "" : String(Math.ceil(askedAt + SLACK_MS)),
    ];
  }

  #toClaimed(
    answer: unknown,
    { request, handovers }: { request: string; handovers: number | null },
  ): Claimed | undefined {
    const list = toListOrNothing(answer);
    if (!list) return undefined;
    const [time, epoch, owed, wasThere, inbox, before] = list.map(toText);
    const claimed: Claimed = {
      epoch: toNumber(epoch),
      owedEpochs: (owed ?? "").split(" ").filter(Boolean).map(toEpoch),
      wasThere: wasThere === "1",
    };
    const claiming: Claiming = {
      request,
      handovers,
      before: before ?? "",
      inbox: inbox ?? "",
      confirmedAt: 0,
      openBytes: 0,
    };
    this.#claimings.set(claimed, claiming);
    this.#confirm(claiming, time);
    return claimed;
  }

  #claiming(claimed: Claimed): Claiming {
    const claiming = this.#claimings.get(claimed);
    if (claiming) return claiming;
    throw new TypeError("This claim is of another store.");
  }

  #confirm(claiming: Claiming, time: unknown): void {
    const { clock, requests } = this.#options;
    requests.learnTime(toNumber(time));
    claiming.confirmedAt = clock.now();
  }

  get #ttlMs(): number {
    const { leaseMs, retentionSeconds } = this.#options;
    return Math.max(retentionSeconds * 1_000, 2 * leaseMs);
  }
}

/** A stop as a record has it: `1`, and the reason behind a colon if the caller gave one. */
export function stopMark(reason: string | undefined): string {
  return reason === undefined ? "1" : `1:${reason.toWellFormed()}`;
}

function toStop(mark: string): { reason: string | undefined } | undefined {
  return mark === "" ? undefined : { reason: mark.slice(2) || undefined };
}

export function toEnd(status: string): EndKind | undefined {
  return status === "done" || status === "failed" || status === "stopped" || status === "lost"
    ? status
    : undefined;
}

function textOf(number: number | null): string {
  return number === null ? "" : String(number);
}

/** Of a claim that is owed: the rest tells who gives it. */
function toEpoch(owed: string): number {
  return toNumber(owed.split(":", 1)[0]);
}
