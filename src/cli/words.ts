// Facts in words that people know. JSON has them under the library's own names.

import { markOf } from "../lib/position.ts";
import { durationOf, type Facts } from "./print.ts";

type Fact = Facts[string];

/** A fact's name for people, and its value. A fact that isn't here is shown as it is. */
const WORDS: Readonly<Record<string, readonly [name: string, value?: (fact: Fact) => Fact]>> = {
  streamId: ["id"],
  status: ["status"],
  isKept: ["text kept", yesOrNo],
  tail: ["length"],
  expiresInSeconds: ["expires", expiry],
  epoch: ["generation", (epoch) => (typeof epoch === "number" ? markOf(epoch) : epoch)],
  entries: ["rows"],
  memoryBytes: ["memory", (bytes) => (typeof bytes === "number" ? `${bytes} bytes` : bytes)],
  handOver: ["hand over"],
  createdAt: ["started"],
  updatedAt: ["last written"],
  leaseMs: [
    "lost in",
    (ms) => (typeof ms === "number" ? `${seconds(ms)}, if its server stays silent` : null),
  ],
  isFollowed: ["followed", yesOrNo],
  followerProcesses: ["followed by", (count) => (count === 1 ? "1 process" : `${count ?? "?"} processes`)],
  isStopRequested: ["stop asked for", yesOrNo],
  error: ["error"],
};

export function inWords(facts: Facts): Facts {
  const entries = Object.entries(facts).map(([name, fact]) => {
    const [word = name, valueOf] = WORDS[name] ?? [];
    return [word, valueOf ? valueOf(fact) : fact] as const;
  });
  return Object.fromEntries(entries);
}

/** How long the server still keeps what it knows. */
export function expiry(fact: Fact | undefined): string {
  return typeof fact === "number" ? durationOf(fact) : "never";
}

function seconds(ms: number): string {
  return `${Math.max(0, Math.round(ms / 1_000))} s`;
}

function yesOrNo(fact: Fact): string {
  return fact === true ? "yes" : "no";
}
