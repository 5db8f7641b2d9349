// A line of the table: what was measured, and what it is judged by. Plain data, so that results.json can hold it.

import { show, type Unit } from "./units.ts";

/** `floor`: the least that does the same work, written by hand. */
export type Contender = "floor" | "published" | "ours";
export type Rival = Exclude<Contender, "ours">;

export interface Bound {
  is: "at most" | "at least";
  /** By itself, or times the value of `of`. */
  value: number;
  of?: Rival;
  /** Added to it. */
  plus?: number;
}

export interface Line {
  /** Names the line from run to run. */
  label: string;
  /** What a user calls it, for the picture; absent for a line that the picture leaves out. */
  plain?: string;
  unit: Unit;
  /** Medians of the rounds; absent where a contender wasn't measured. */
  values: Partial<Record<Contender, number>>;
  /** How far the rounds of the steadiest rival lay apart, as a share of their median; absent for one round. */
  noise?: number;
  /** All of them have to hold; none for a line that is only told. The first gives the direction: more is better, or less is. */
  bounds: Bound[];
  /** Where its bounds are missed: why, what was tried, and what each try gained. Markdown, in sentences. */
  tried?: string;
}

export const atMost = (value: number, of?: Rival): Bound => ({ is: "at most", value, ...(of && { of }) });
export const atLeast = (value: number, of?: Rival): Bound => ({ is: "at least", value, ...(of && { of }) });

/** What wasn't measured counts as not reached; undefined without a bound. */
export function isReached({ values, bounds }: Pick<Line, "values" | "bounds">): boolean | undefined {
  if (bounds.length === 0) return undefined;
  const { ours = Number.NaN } = values;
  return bounds.every((bound) => {
    const threshold = thresholdOf(bound, values);
    return bound.is === "at most" ? ours <= threshold : ours >= threshold;
  });
}

/** The value that a bound allows, in the line's unit. */
export function thresholdOf({ value, of, plus = 0 }: Bound, values: Line["values"]): number {
  return value * (of === undefined ? 1 : (values[of] ?? Number.NaN)) + plus;
}

export function targetOf({ unit, bounds }: Pick<Line, "unit" | "bounds">): string {
  const texts = bounds.map(({ is, value, of, plus }) => {
    const sign = is === "at most" ? "≤" : "≥";
    if (of === undefined) return `${sign} ${show(value, unit)}`;
    const times = plus !== undefined && value === 1 ? of : `${value} × ${of}`;
    return `${sign} ${times}${plus === undefined ? "" : ` + ${show(plus, unit)}`}`;
  });
  return texts.join(", ");
}

/** What ours takes of a rival's value. */
export function ratioTo(rival: Rival, { values }: Pick<Line, "values">): number | undefined {
  const [ours, theirs] = [values.ours, values[rival]];
  return ours === undefined || theirs === undefined || theirs === 0 ? undefined : ours / theirs;
}
