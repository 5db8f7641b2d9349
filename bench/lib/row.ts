// A row: how one thing is measured of each contender, and the lines of the table that come of it.

import type { Contender, Line } from "./line.ts";

/** Values of one round, by the key of a line. */
export type Sample = Record<string, number>;

export interface Measurement extends AsyncDisposable {
  measure: (round: number) => Promise<Sample>;
}

export interface LineSpec extends Omit<Line, "values" | "noise"> {
  key: string;
}

export interface Row<Setting> {
  name: string;
  /** That count. The first one warms up and comes before them. */
  rounds: number;
  /** For a row of long rounds whose values are counts, or for one that is measured cold. @defaultValue true */
  warmsUp?: boolean;
  lines: readonly LineSpec[];
  /** What it takes to measure each contender: processes of its own. */
  contenders: Partial<Record<Contender, (setting: Setting) => Promise<Measurement>>>;
}

export interface Group<Setting extends AsyncDisposable> {
  /** The word that asks for all of its rows. */
  name: string;
  title: string;
  intro: string;
  rows: readonly Row<Setting>[];
  start: () => Promise<Setting>;
  /** Of the server that it runs on. */
  versions: (setting: Setting) => Promise<Record<string, string>>;
}
