// Measures a log over Redis beside the relay, and beside what plain commands of Redis take for the same work.

import { RedisServer } from "../../test/support/redis-server.ts";
import { median } from "../lib/statistics.ts";
import { printTable } from "../lib/table.ts";
import { KEPT_ROWS, type KeptLine } from "./measure.ts";

const ROUNDS = 5;
const HEAD = ["", "floor", "ours", "ratio", "target", "reached"];

/** Undefined where none of the rows is asked for. */
export async function measureKept(words: readonly string[]): Promise<string | undefined> {
  const rows = Object.entries(KEPT_ROWS).filter(
    ([name]) => words.length === 0 || words.some((word) => `kept ${name}`.includes(word)),
  );
  if (rows.length === 0) return undefined;
  await using redis = await RedisServer.start();
  const lines: KeptLine[] = [];
  for (const [name, open] of rows) {
    process.stderr.write(`kept ${name} …\n`);
    await using row = await open(redis);
    const rounds: KeptLine[][] = [];
    // The first warms up and counts for nothing.
    for (let round = 0; round <= ROUNDS; round++) {
      const measured = await row.measure(round);
      if (round > 0) rounds.push(measured);
    }
    const [first = []] = rounds;
    first.forEach((line, at) =>
      lines.push(
        medianOf(
          line,
          rounds.flatMap((round) => round[at] ?? []),
        ),
      ),
    );
  }
  return [
    "## Redis that keeps the text",
    "",
    "`floor` is named in each row: the relay for what is live, plain commands of Redis for what is stored.",
    "",
    printTable(HEAD, lines.map(toCells)),
  ].join("\n");
}

function medianOf(line: KeptLine, rounds: readonly KeptLine[]): KeptLine {
  const floors = rounds.flatMap(({ floor }) => floor ?? []);
  const ours = median(rounds.map((round) => round.ours));
  return { ...line, ours, ...(floors.length > 0 && { floor: median(floors) }) };
}

function toCells({ label, floor, ours, show, atMost }: KeptLine): string[] {
  const ratio = floor === undefined ? undefined : ours / floor;
  return [
    label,
    floor === undefined ? "" : show(floor),
    show(ours),
    ratio === undefined ? "" : ratio.toFixed(2),
    `≤ ${atMost}${ratio === undefined ? "" : " ×"}`,
    (ratio ?? ours) <= atMost ? "yes" : "no",
  ];
}
