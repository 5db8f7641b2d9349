// A model of the database: what each named statement of the Postgres transport does to its rows, at once and in order.

import { MAX_HANDOVERS } from "../../src/transports/log/handovers.ts";
import type { Queries } from "../../src/transports/postgres/queries.ts";
import { handedOver, takeOwed } from "./handover-rows.ts";
import { WALL_START_MS } from "./machine.ts";
import { entriesOf, type Kept, parse, type Rows, type Session, pairs, strings, text } from "./rows.ts";

export type StatementName = keyof Queries;
export type Execute = (name: StatementName, values: readonly unknown[]) => Rows;

export interface StoreOptions {
  now: () => number;
  leaseMs: number;
}

export class Store {
  readonly sessions = new Map<string, Session>();
  /** Every claim that was granted, in order. */
  readonly claims: Array<{ key: string; epoch: number; isSuperseding: boolean }> = [];
  /** The connections that listen, and to which channels. */
  readonly ears = new Map<(channel: string, payload: string) => void, Set<string>>();
  /** When the server was last back from a restart. */
  startedAt = Number.NEGATIVE_INFINITY;
  readonly leaseMs: number;
  readonly now: () => number;

  /** Tails that readers of a failed stream were told, by its key and epoch. */
  readonly #kept = new Map<string, Kept>();

  constructor({ leaseMs, now }: StoreOptions) {
    this.leaseMs = leaseMs;
    this.now = now;
  }

  readonly execute: Execute = (name, values) => {
    const [first, second, third, fourth, fifth] = values;
    switch (name) {
      case "claim":
        return strings(first).flatMap((key) =>
          this.claim(key, {
            mode: text(second),
            retentionMs: Number(third),
            handovers: fourth === null ? null : Number(fourth),
            isOwedGivenUp: fifth === true,
          }).map((row) => ({ stream_id: key, is_busy: false, ...row })),
        );
      case "append":
        return this.append(parse(first), { rows: parse(second), retentionMs: Number(third) });
      case "renew":
        return parse(first).flatMap(({ stream_id: key, epoch }) => {
          const session = this.sessions.get(text(key));
          const isRunning = session?.status === "streaming" && session.epoch === epoch;
          if (isRunning) session.leaseEndsAt = this.now() + this.leaseMs;
          return [];
        });
      case "read":
        return parse(first).flatMap((request) => this.read(request));
      case "check":
        if (third !== null) this.#notify(text(second), text(third));
        return parse(first).map((request) => {
          const session = this.session(text(request["stream_id"]));
          return { n: request["n"], ...(session ? this.state(session) : { epoch: null }) };
        });
      case "mark":
        return parse(first).flatMap((request) => this.#mark(request, Number(second)));
      case "status": {
        const session = this.session(text(first));
        return session
          ? [{ epoch: session.epoch, status: this.status(session), handover: this.handover(session) }]
          : [];
      }
      case "stop":
        return this.#stop(text(first), { reason: second, epoch: third });
      case "lastEnd": {
        const session = this.session(text(first));
        const hasEndedWell = session && ["done", "stopped"].includes(session.status);
        return hasEndedWell ? [{ epoch: session.epoch, tail: session.tail, status: session.status }] : [];
      }
      case "elect":
        return this.elect(text(first), Number(second));
      case "handedOver":
        return handedOver(this.sessions.get(text(first)), Number(second), third === true);
      case "takeOwed":
        return takeOwed(this.sessions.get(text(first)), Number(second), {
          now: this.now(),
          forMs: Number(third),
        });
      case "release": {
        const session = this.session(text(first));
        if (session?.status !== "streaming" || session.epoch !== Number(second)) return [];
        session.leaseEndsAt = this.now();
        session.handoversLeft = null;
        return [];
      }
      case "notify":
        for (const [channel, payload] of pairs(first)) this.#notify(channel, payload);
        return [];
      case "expire":
      case "abandon":
        throw new Error(`Streams don't ask for ${name}.`);
    }
  };

  /** How far a failed stream was told to have come, and since when; absent where it never was. */
  kept(key: string, epoch: number): Kept | undefined {
    return this.#kept.get(`${epoch} ${key}`);
  }

  session(key: string): Session | undefined {
    const session = this.sessions.get(key);
    return session && session.expiresAt > this.now() ? session : undefined;
  }

  claim(
    key: string,
    {
      mode,
      retentionMs,
      handovers,
      isOwedGivenUp,
    }: { mode: string; retentionMs: number; handovers: number | null; isOwedGivenUp: boolean },
  ): Rows {
    const there = this.session(key);
    const isFree =
      !there || (mode === "if-free" && ["failed", "lost", "lapsed"].includes(this.status(there)));
    if (!isFree && mode !== "supersede") return [];
    const isDue = there && this.status(there) !== "streaming" && this.handover(there) !== null;
    if (isDue && handovers !== null && !isOwedGivenUp) return [];
    const previous = this.sessions.get(key);
    const epoch = Math.max((previous?.epoch ?? 0) + 1, Math.floor((WALL_START_MS + this.now()) * 1_000));
    const owed = new Map(previous?.owed);
    if (there && (there.handoversLeft ?? 0) > 0)
      owed.set(there.epoch, { entries: there.entries, until: 0, left: MAX_HANDOVERS });
    this.sessions.set(key, {
      status: "streaming",
      epoch,
      tail: 0,
      leaseEndsAt: this.now() + this.leaseMs,
      expiresAt: this.now() + Math.max(retentionMs, 2 * this.leaseMs),
      isStopped: false,
      stopReason: null,
      watchedUntil: Number.NEGATIVE_INFINITY,
      handoversLeft: handovers,
      handoverUntil: Number.NEGATIVE_INFINITY,
      isLost: false,
      createdAt: this.now(),
      entries: new Map(),
      owed,
    });
    this.claims.push({ key, epoch, isSuperseding: mode === "supersede" });
    const owedEpochs = owed.size > 0 ? [...owed.keys()].join(" ") : null;
    return [{ epoch: String(epoch), was_there: previous !== undefined, owed_epochs: owedEpochs }];
  }

  append(streams: Rows, { rows, retentionMs }: { rows: Rows; retentionMs: number }): Rows {
    return streams.flatMap((input) => {
      const key = text(input["stream_id"]);
      const session = this.sessions.get(key);
      if (!session || session.epoch !== input["epoch"]) return [];
      const ended = endOf(input["ended"]);
      if (session.status !== "streaming" && session.status !== ended) return [];
      return [
        this.write(session, {
          input,
          ended,
          retentionMs,
          rows: rows.filter((row) => row["stream_id"] === key),
        }),
      ];
    });
  }

  write(
    session: Session,
    written: { input: Rows[number]; ended: Session["status"] | undefined; retentionMs: number; rows: Rows },
  ): Rows[number] {
    const { ended, input, retentionMs, rows } = written;
    const now = this.now();
    session.tail = Math.max(session.tail, Number(input["tail"]));
    session.status = ended ?? session.status;
    session.isLost ||= input["error"] === "PRODUCER_LOST";
    if (ended) session.handoversLeft = input["owed"] === null ? null : Number(input["owed"]);
    session.leaseEndsAt = now + this.leaseMs;
    const untilMs = Math.max(retentionMs, 2 * this.leaseMs);
    if (ended) session.expiresAt = now + retentionMs;
    else if (session.expiresAt < now + untilMs / 2) session.expiresAt = now + untilMs;
    for (const { chunk, encoding, start, stop } of rows) {
      if (session.entries.has(Number(start))) continue;
      const entry = { start: Number(start), stop: Number(stop), chunk: text(chunk) };
      session.entries.set(entry.start, { ...entry, encoding: encoding === null ? null : text(encoding) });
    }
    return {
      stream_id: input["stream_id"],
      is_stopped: session.isStopped,
      stop_reason: session.stopReason,
      is_watched: session.watchedUntil > now,
    };
  }

  read(request: Rows[number]): Rows {
    const key = text(request["stream_id"]);
    const session = this.session(key);
    if (!session) return [];
    this.#keep(key, session);
    const from = Number(request["from"]);
    const units = Number(request["units"]);
    const isWanted =
      units > 0 && (request["bound"] === true || !["done", "stopped"].includes(session.status));
    const entries = [...session.entries.values()].filter(
      ({ start, stop }) => isWanted && start < from + units && stop > from,
    );
    return [{ n: request["n"], ...this.state(session), ...entriesOf(entries) }];
  }

  state(session: Session): Rows[number] {
    const isOpen = session.status === "streaming";
    const { watchedUntil } = session;
    return {
      epoch: String(session.epoch),
      tail: String(session.tail),
      status: this.status(session),
      handover: this.handover(session),
      lease_ms: isOpen ? this.leaseEnd(session) - this.now() : null,
      watched_ms: Number.isFinite(watchedUntil) ? watchedUntil - this.now() : null,
    };
  }

  status(session: Session): string {
    if (session.status === "streaming" && this.leaseEnd(session) <= this.now()) return "lapsed";
    return session.status === "failed" && session.isLost ? "lost" : session.status;
  }

  handover({ handoversLeft, handoverUntil }: Session): string | null {
    if (handoverUntil > this.now()) return "running";
    return (handoversLeft ?? 0) > 0 ? "due" : null;
  }

  elect(key: string, forMs: number): Rows {
    const session = this.session(key);
    if (!session || this.status(session) === "streaming" || this.handover(session) !== "due") return [];
    session.handoversLeft = (session.handoversLeft ?? 0) - 1;
    session.handoverUntil = this.now() + forMs;
    if (session.status === "streaming") session.isLost = true;
    if (session.status === "streaming") session.status = "failed";
    const started = WALL_START_MS + session.createdAt;
    const { epoch, entries, tail } = session;
    const kept = entriesOf([...entries.values()]);
    return [{ epoch: String(epoch), tail, status: this.status(session), started_ms: started, ...kept }];
  }

  /** While the server was down nobody could renew a lease. */
  leaseEnd({ leaseEndsAt }: Session): number {
    return Math.max(leaseEndsAt, this.startedAt + Math.max(this.leaseMs, 5_000));
  }

  #mark(request: Rows[number], forMs: number): Rows {
    const session = this.sessions.get(text(request["stream_id"]));
    if (session?.status !== "streaming") return [];
    const isNews = session.watchedUntil <= this.now();
    session.watchedUntil = this.now() + forMs;
    return [{ n: request["n"], is_news: isNews, ...this.state(session) }];
  }

  #stop(key: string, { reason, epoch }: { reason: unknown; epoch: unknown }): Rows {
    const session = this.session(key);
    if (session?.status !== "streaming") return [];
    if (epoch !== null && epoch !== session.epoch) return [];
    session.isStopped = true;
    session.stopReason = reason === null ? null : text(reason);
    return [{ epoch: session.epoch }];
  }

  #notify(channel: string, payload: string): void {
    for (const [ear, channels] of this.ears) if (channels.has(channel)) ear(channel, payload);
  }

  #keep(key: string, session: Session): void {
    const status = this.status(session);
    // Until the app has its text it counts as running.
    if (status !== "failed" && this.handover(session) !== null) return;
    if (status !== "failed" && status !== "lost" && status !== "lapsed") return;
    const name = `${session.epoch} ${key}`;
    const kept = this.#kept.get(name) ?? { failedAt: this.now(), tails: new Set<number>() };
    kept.tails.add(session.tail);
    this.#kept.set(name, kept);
  }
}

function endOf(ended: unknown): Session["status"] | undefined {
  return ended === "done" || ended === "stopped" || ended === "failed" ? ended : undefined;
}
