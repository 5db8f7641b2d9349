// The group commit: one statement writes what all streams of the process have, checks each one's epoch, extends its lease, and
// learns who was fenced, who is asked to stop and who is watched.

import type { EndKind } from "../../port/transport.ts";
import type { Append, AppendAnswer } from "../log/store.ts";
import type { Row } from "./database.ts";
import { toEntry } from "./entries.ts";
import { moved } from "./hints.ts";
import { createHint } from "./names.ts";
import { toNumber, toText } from "./parse.ts";
import { notify, type PostgresParts, run } from "./parts.ts";

export class Appends {
  readonly #context: PostgresParts;
  /** Settles once followers were told of what is written. */
  #told: Promise<unknown> = Promise.resolve();

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
    const rows = await run(this.#context, "append", values);
    const byKey = new Map(rows.map((row) => [toText(row["stream_id"]), row]));
    const answers = appends.map(({ key }) => toAnswer(byKey.get(key)));
    const followed = appends.filter(({ pieces, end }, n) => {
      const answer = answers[n];
      return answer?.status === "written" && answer.isWatched && (pieces.length > 0 || end);
    });
    this.#tell(followed.map(({ key }) => createHint(key)));
    return answers;
  }

  /** The app may end its pool next. */
  async close(): Promise<void> {
    await this.#told;
  }

  /** Followers are told after the commit, in a statement that no append waits for. */
  #tell(hints: readonly string[]): void {
    if (hints.length === 0) return;
    const telling = notify(
      this.#context,
      hints.map((hint) => moved(this.#context.channel, hint)),
    );
    // A hint that is lost costs followers the time to their next check.
    // Without its results, which would hold those before them for ever.
    this.#told = Promise.allSettled([this.#told, telling]).then(() => undefined);
  }
}

/** A stream that isn't in the answer was fenced. */
function toAnswer(row: Row | undefined): AppendAnswer {
  if (!row) return { status: "fenced" };
  if (row["is_busy"] === true) return { status: "busy" };
  if (row["has"] !== null && row["has"] !== undefined) return { status: "at", tail: toNumber(row, "has") };
  const reason = toText(row["stop_reason"]) || undefined;
  const stop = row["is_stopped"] === true ? { reason } : undefined;
  return { status: "written", isWatched: row["is_watched"] === true, stop };
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
