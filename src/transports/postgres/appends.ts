// The group commit: one statement writes what all streams of the process have, checks each one's epoch, extends its lease, and
// learns who was fenced, who is asked to stop and who is watched.

import { background } from "../../lib/background.ts";
import type { EndKind } from "../../port/transport.ts";
import type { Append, AppendAnswer } from "../log/store.ts";
import type { Row } from "./database.ts";
import { toEntry } from "./entries.ts";
import { moved } from "./hints.ts";
import { createHint } from "./names.ts";
import { isTrue, toNumber, toText } from "./parse.ts";
import { type PostgresParts, run, tell } from "./parts.ts";

export class Appends {
  readonly #context: PostgresParts;
  /** Leases are being extended without text. */
  #isRenewing = false;

  constructor(context: PostgresParts) {
    this.#context = context;
  }

  async append(appends: readonly Append[]): Promise<readonly AppendAnswer[]> {
    const streams: unknown[] = [];
    const entries: unknown[] = [];
    for (const { key, claimed, pieces, from, tail, end, owed } of appends) {
      const { epoch } = claimed;
      streams.push({ stream_id: key, epoch, from, tail, ...toColumns(end), owed });
      for (const piece of pieces) entries.push({ stream_id: key, ...toEntry(piece) });
    }
    const { retentionSeconds } = this.#context.settings;
    const values = [JSON.stringify(streams), JSON.stringify(entries), retentionSeconds * 1000];
    const rows = await run(this.#context, "append", values).catch((error: unknown) => {
      this.#renew(values[0]);
      throw error;
    });
    const byKey = new Map(rows.map((row) => [toText(row, "stream_id"), row]));
    const answers = appends.map(({ key }) => toAnswer(byKey.get(key)));
    const followed = appends.filter(({ pieces, end }, n) => {
      const answer = answers[n];
      return answer?.status === "written" && answer.isWatched && (pieces.length > 0 || end);
    });
    // After the commit, in a statement that no append waits for.
    const { channel } = this.#context;
    tell(
      this.#context,
      followed.map(({ key }) => moved(channel, createHint(key))),
    );
    return answers;
  }

  /** The server may have no room for text, or have its table locked, and nobody is dead. No append waits for it. */
  #renew(streams: unknown): void {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    const renewing = run(this.#context, "renew", [streams]).finally(() => {
      this.#isRenewing = false;
    });
    // The failure that is told is the append's.
    background(renewing, () => undefined);
  }
}

/** A stream that isn't in the answer was fenced. */
function toAnswer(row: Row | undefined): AppendAnswer {
  if (!row) return { status: "fenced" };
  if (isTrue(row, "is_busy")) return { status: "busy" };
  if (row["has"] !== null && row["has"] !== undefined) return { status: "at", tail: toNumber(row, "has") };
  const reason = toText(row, "stop_reason") || undefined;
  const stop = isTrue(row, "is_stopped") ? { reason } : undefined;
  return { status: "written", isWatched: isTrue(row, "is_watched"), stop };
}

function toColumns(end: EndKind | undefined): { ended?: string; error?: string } {
  switch (end) {
    case undefined:
      return {};
    case "done":
    case "stopped":
      return { ended: end };
    case "failed":
      return { ended: "failed", error: "SOURCE_FAILED" };
    case "lost":
      return { ended: "failed", error: "PRODUCER_LOST" };
  }
}
