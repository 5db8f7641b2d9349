// Rows as the model of the database takes and answers them.

/** What a statement answers. */
export type Rows = Array<Record<string, unknown>>;

/** A row of text. */
export interface Entry {
  start: number;
  stop: number;
  chunk: string;
  encoding: string | null;
}

export interface Session {
  status: "streaming" | "done" | "stopped" | "failed";
  epoch: number;
  tail: number;
  leaseEndsAt: number;
  expiresAt: number;
  isStopped: boolean;
  stopReason: string | null;
  watchedUntil: number;
  /** How often the app may still be given its text; null if it has it, or doesn't want it. */
  handoversLeft: number | null;
  /** Until when somebody gives it to the app. */
  handoverUntil: number;
  isLost: boolean;
  createdAt: number;
  /** Text of this epoch, by where it starts. */
  entries: Map<number, Entry>;
  /** Text of claims that were superseded before the app had it. */
  owed: Map<number, OwedText>;
}

export interface OwedText {
  entries: Map<number, Entry>;
  /** Until when somebody gives it to the app, and how often it may still be given. */
  until: number;
  left: number;
}

/** What a claim left, as long as anybody may ask: how far it was when it could first be called failed. */
export interface Kept {
  failedAt: number;
  tails: Set<number>;
}

/** A page's rows as statements answer them. */
export function entriesOf(unsorted: Entry[]): Rows[number] {
  const entries = unsorted.sort((a, b) => a.start - b.start);
  const encoded = entries.filter(({ encoding }) => encoding !== null);
  const plain = entries.filter(({ encoding }) => encoding === null);
  return {
    start: entries[0]?.start ?? null,
    stop: entries.at(-1)?.stop ?? null,
    plain: plain.length > 0 ? plain.map(({ chunk }) => chunk).join("") : null,
    encoded: encoded.length > 0 ? encoded.map(({ chunk, start, stop }) => [start, stop, chunk]) : null,
  };
}

/** A batch travels as one JSON parameter. */
export function parse(json: unknown): Rows {
  const rows: unknown = JSON.parse(text(json));
  if (!Array.isArray(rows)) throw new Error("A batch must be a list.");
  return rows.map((row: unknown) => Object.fromEntries(Object.entries(Object(row) as object)));
}

export function strings(json: unknown): string[] {
  const values: unknown = JSON.parse(text(json));
  return Array.isArray(values) ? values.map(String) : [];
}

export function pairs(json: unknown): [string, string][] {
  const values: unknown = JSON.parse(text(json));
  return Array.isArray(values)
    ? values.map((value) => strings(JSON.stringify(value)) as [string, string])
    : [];
}

export function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Error(`The model expected text, got ${typeof value}.`);
}
