// How values are written.

export type Unit = "ms" | "bytes" | "chunks/s" | "%" | "µs" | "count";

export function show(value: number, unit: Unit): string {
  switch (unit) {
    case "ms":
      return `${digits(value)} ms`;
    case "µs":
      return `${digits(value)} µs`;
    case "bytes":
      return value < 1024 ? `${digits(value)} B` : `${Math.round(value / 1024)} KB`;
    case "chunks/s":
      return `${grouped(Math.round(value / 100) / 10)}k/s`;
    case "%":
      return `${digits(value * 100)} %`;
    case "count":
      return digits(value);
  }
}

/** Three digits that count, and no exponent. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  const shown = value.toFixed(Math.min(4, Math.max(0, 2 - magnitude)));
  return grouped(Number(shown));
}

function grouped(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 4 });
}
