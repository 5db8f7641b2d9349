import { describe, expect, it } from "vitest";
import { excuse } from "./excuses.ts";
import { growth, leftovers } from "./flatness.ts";
import type { StreamLog } from "./observed.ts";
import { Reports, troubles } from "./reports.ts";

const steady = Array.from({ length: 60 }, (_, index) => 20_000_000 + (index % 7) * 900_000);

describe("a series of measurements", () => {
  it("that goes up and down is flat, also with peaks and with a start that grows", () => {
    const peaks = steady.map((value, index) => (index % 20 === 0 ? value * 4 : value));
    const start = steady.map((value, index) => (index < 20 ? value * (index / 20) : value));
    for (const series of [steady, peaks, start]) expect(growth("heap", series, 0)).toBeUndefined();
  });

  it("that rises slowly and for ever is growth", () => {
    const leak = steady.map((value, index) => value + index * 800_000);
    expect(growth("heap", leak, 4_000_000)).toContain("heap grew from");
    expect(
      growth(
        "keys",
        steady.map((_, index) => index),
        5,
      ),
    ).toContain("keys grew from 30 to 50");
  });

  it("that is too short proves nothing, and says so", () => {
    expect(growth("heap", steady.slice(0, 8), 0)).toContain("8 times only");
  });
});

it("what is left is named, and what may be left isn't", () => {
  expect(leftovers({ keys: 2, connections: 12 }, { connections: 12 })).toEqual(["2 keys, expected 0"]);
  expect(leftovers({ keys: 0, connections: 3 }, { connections: 12 })).toEqual([]);
});

describe("what a process reports", () => {
  const calm = excuse([]);
  const span = { from: 0, to: 10_000 };
  const fenced = {
    process: "0.0",
    error: { name: "Error", code: "FENCED", message: 'to produce "s7": a newer' },
  };
  const over: StreamLog = { streamId: "s7", runs: [], legs: [], stops: [] };
  const source = { label: "s7.o", chunks: 1, everyMs: 1 };
  const made = { spec: source, process: "0.0", made: true, leg: "s7.o" } as const;

  it("of a stream that two have produced is expected; of another it isn't", () => {
    const expected = new Reports();
    expect(expected.hear(fenced, span, calm)).toBeUndefined();
    expected.note({ ...over, runs: [made, { ...made, leg: "s7.new" }] }, calm);
    expect(expected.unexpected()).toEqual([]);
    const unexpected = new Reports();
    unexpected.hear(fenced, span, calm);
    unexpected.note({ ...over, runs: [made] }, calm);
    expect(unexpected.unexpected()).toHaveLength(1);
  });

  it("of the server is expected if that was away", () => {
    const told = { process: "0.0", error: { name: "Error", code: "TRANSPORT_UNAVAILABLE", message: "" } };
    const away = excuse([{ kind: "server away", from: 0, to: 100 }]);
    expect(new Reports().hear(told, span, away)).toBeUndefined();
    expect(new Reports().hear(told, span, calm)).toContain("had no reason to");
  });

  it("of messages that aren't ours never is", () => {
    const told = { process: "0.0", error: { name: "Error", code: "MALFORMED_MESSAGE", message: "" } };
    const away = excuse([{ kind: "server away", from: 0, to: 100 }]);
    expect(new Reports().hear(told, span, away)).toContain("MALFORMED_MESSAGE");
  });

  it("and what it didn't handle is trouble", () => {
    const vitals = {
      errors: [],
      resources: [],
      memoryBytes: 0,
      waitUntil: { given: 2, settled: 2, rejected: 1 },
    };
    expect(
      troubles("0.0", { ...vitals, unhandledRejections: ["a"], uncaughtExceptions: ["b"] }),
    ).toHaveLength(3);
  });
});
