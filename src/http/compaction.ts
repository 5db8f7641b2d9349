// Neighbouring events as fewer: a compactor says which become one, and each keeps the id of the last that it stands for.

/** Held no longer than up to this, in UTF-16 code units of events: a page of any size takes no more memory. */
const MAX_RUN_UNITS = 65_536;

/** One event in place of neighbours. */
export interface CompactedEvent {
  /** The values of its `data:` lines, with LF between them. */
  data: string;
  /** How many of the given events it stands for: the next ones, in order. At least 1. */
  count: number;
}

/**
 * Says which neighbouring events become one. A pure function: it is given the data of each event of a run, and gives the events
 * to send in their place, in order. An event that it doesn't understand is given back as it is, with `count: 1`. A page must make
 * the same of the new events as of the old.
 *
 * @param run - at least two: neighbours that were there when they were asked for, and consist of `data:` lines alone.
 * @returns events whose counts add up to the length of the run. If they don't, the body breaks off with a TypeError.
 */
export type Compactor = (run: readonly string[]) => readonly CompactedEvent[];

export interface WholeEvent {
  /** Its lines as they are sent, without the blank one. */
  lines: string;
  /** Ours, after them. Empty for a blank line that ends no event. */
  idLine: string;
}

/** Takes whole events in order, and gives what is sent for them. */
export class Compaction {
  readonly #compact: Compactor;
  /** Neighbours that have nothing but data, and that nothing was sent for yet. */
  #run: (WholeEvent & { data: string })[] = [];
  #units = 0;

  constructor(compact: Compactor) {
    this.#compact = compact;
  }

  /** Gives what can be sent before a further event is known. */
  add(event: WholeEvent): string {
    const data = dataOf(event.lines);
    if (data === undefined) return this.flush() + sentOf(event);
    this.#run.push({ ...event, data });
    this.#units += event.lines.length;
    return this.#units < MAX_RUN_UNITS ? "" : this.flush();
  }

  /** Gives what is sent for all that was added. Throws a TypeError if the compactor gives events of other counts. */
  flush(): string {
    const run = this.#run;
    this.#run = [];
    this.#units = 0;
    return run.length > 1 ? this.#compacted(run) : run.map(sentOf).join("");
  }

  #compacted(run: readonly (WholeEvent & { data: string })[]): string {
    let sent = "";
    let next = 0;
    for (const { data, count } of this.#compact(run.map((event) => event.data))) {
      const last = run[next + count - 1];
      if (!last || count < 1) throw wrongCounts(run.length);
      next += count;
      // As the source wrote it.
      const isItself = count === 1 && data === last.data;
      sent += isItself ? sentOf(last) : sentOf({ lines: linesOf(data), idLine: last.idLine });
    }
    if (next < run.length) throw wrongCounts(run.length);
    return sent;
  }
}

export function sentOf({ lines, idLine }: WholeEvent): string {
  // The blank line is LF whatever it was: a CRLF that a cut divides would leave readers in doubt.
  return `${lines}${idLine}\n`;
}

/** The event's data; undefined if it has lines of another kind, which one event can't have of several. */
function dataOf(lines: string): string | undefined {
  const values: string[] = [];
  for (const line of lines.split(/\r\n|\n|\r/).slice(0, -1)) {
    const [match, value = ""] = /^data(?:: ?([^]*))?$/.exec(line) ?? [];
    if (match === undefined) return undefined;
    values.push(value);
  }
  return values.length > 0 ? values.join("\n") : undefined;
}

function linesOf(data: string): string {
  return data
    .split(/\r\n|\n|\r/)
    .map((line) => `data: ${line}\n`)
    .join("");
}

function wrongCounts(given: number): TypeError {
  return new TypeError(
    `compact must give events whose counts, each at least 1, add up to the number of events it was given: ${given}.`,
  );
}
