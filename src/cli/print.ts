// Values as lines for people, and as JSON. Ids may hold anything: what could steer a terminal is escaped.

export type Facts = Readonly<Record<string, string | number | boolean | null>>;

const CONTROLS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** On one line, and without effect on a terminal. */
export function printable(text: string): string {
  return text.replace(CONTROLS, escape);
}

/** A stream's text, whose line feeds and tabs are kept. */
export function printableText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what it looks for
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, escape);
}

/** JSON on one line. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(CONTROLS, escape);
}

function escape(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    const code = character.charCodeAt(index).toString(16).padStart(4, "0");
    return `\\u${code}`;
  }).join("");
}

/** A line a fact: `tail      1234`. */
export function toLines(facts: Facts): string[] {
  const width = Math.max(...Object.keys(facts).map((name) => name.length));
  return Object.entries(facts).map(([name, value]) => `${name.padEnd(width)}  ${show(value)}`);
}

function show(value: Facts[string]): string {
  if (value === null) return "-";
  return typeof value === "string" ? printable(value) : String(value);
}

const UNITS = [
  { name: "d", seconds: 86_400 },
  { name: "h", seconds: 3_600 },
  { name: "min", seconds: 60 },
] as const;

/** In the largest unit of which there are at least two, rounded: a minute more or less of a day tells nobody anything. */
export function durationOf(seconds: number): string {
  const unit = UNITS.find((each) => seconds >= 2 * each.seconds);
  return unit ? `${Math.round(seconds / unit.seconds)} ${unit.name}` : `${seconds} s`;
}

/** Of several connection attempts that failed, Node's own error has no message. */
export function describeError(error: unknown): string {
  if (error instanceof AggregateError && error.message === "")
    return error.errors.map(describeError).join("\n");
  return printable(error instanceof Error ? error.message : String(error));
}
