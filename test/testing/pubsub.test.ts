// The suite for a pub/sub finds what mistaken ones do. That it holds over one without mistakes, runners.test.ts tells.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describePubSub, type PubSubPair } from "../../src/testing.ts";
import { type BlockFolder, createBlockFolder, type Mistake } from "./blocks.ts";
import { collect, type Outcome } from "./collect.ts";

interface MistakenAuthor {
  what: string;
  mistakes: Mistake[];
  /** The promise that finds it, and how. */
  breaks: string;
  says: RegExp;
}

let folder: BlockFolder;

beforeAll(async () => {
  folder = await createBlockFolder();
});

afterAll(async () => {
  await folder.remove();
});

const DELIVERY = "for (const subscriber of subscribers) queueMicrotask(() => subscriber(message));";

const mistakes: MistakenAuthor[] = [
  {
    what: "that drops messages when busy",
    mistakes: [[DELIVERY, `if (Math.random() < 0.9) ${DELIVERY}`]],
    breaks: "messages > messages of one publisher arrive in the order they were sent, and all of a burst do",
    says: /all have arrived/,
  },
  {
    what: "that delivers twice",
    mistakes: [[DELIVERY, `${DELIVERY} ${DELIVERY}`]],
    breaks: "messages > a message reaches every subscriber of its channel once, and nobody else",
    says: /expected \["one", "two", "last"\], got \["one", "one"/,
  },
  {
    what: "that delivers in another order",
    mistakes: [
      [
        "queueMicrotask(() => subscriber(message))",
        "setTimeout(() => subscriber(message), Math.random() * 9)",
      ],
    ],
    breaks: "messages > messages of one publisher arrive in the order they were sent, and all of a burst do",
    says: /message \d+ of 500 was message \d+/,
  },
  {
    what: "that trims what it delivers",
    mistakes: [["subscriber(message)", "subscriber(message.trim())"]],
    breaks: "messages > spaces and line ends at both ends arrive unchanged",
    says: /differ at 0/,
  },
  {
    what: "that cuts large messages off",
    mistakes: [["subscriber(message)", "subscriber(message.slice(0, 100_000))"]],
    breaks: "messages > a message of 256 KiB arrives whole, whatever the size of its characters",
    says: /texts of 100000 and 262144 units/,
  },
  {
    what: "whose channels are patterns",
    mistakes: [
      [
        "this.#subscribers.get(channel) ?? [])];",
        'this.#subscribers.get(channel.split(" ")[0] ?? "") ?? [])];',
      ],
    ],
    breaks: "messages > a channel's name may have spaces, braces, stars and brackets",
    says: /expected \["0"\], got \[\]/,
  },
  {
    what: "whose subscribe resolves early",
    mistakes: [
      [
        "this.#subscribers.set(channel, (this.#subscribers.get(channel) ?? new Set()).add(callback));",
        "setTimeout(() => this.#subscribers.set(channel, (this.#subscribers.get(channel) ?? new Set()).add(callback)), 5);",
      ],
    ],
    breaks: "messages > subscribe resolves only once messages arrive",
    says: /round 0: expected \["at once"\], got \[\]/,
  },
  {
    what: "whose unsubscribe does nothing",
    mistakes: [["if (callback) this.#subscribers.get(channel)?.delete(callback);", "if (!callback) return;"]],
    breaks: "messages > unsubscribe ends a subscription, for its channel and its process only",
    says: /expected \["before"\], got \["before", "after"\]/,
  },
  {
    what: "that counts receivers that aren't there",
    mistakes: [["return subscribers.length;", "return 1;"]],
    breaks: "messages > a number that publish resolves to counts subscribers: 0 where there is none",
    says: /expected 0, got 1/,
  },
  {
    what: "whose get and set are two steps",
    mistakes: [
      [
        "const expiresAt = options?.EX === undefined ? Infinity",
        "await new Promise((resolve) => setTimeout(resolve));\n          const expiresAt = options?.EX === undefined ? Infinity",
      ],
    ],
    breaks: "keys > get and set called together are one step: no other write comes between",
    says: /expected \["first", "of caller 0"/,
  },
  {
    what: "whose incr isn't atomic",
    mistakes: [
      [
        "const sum = Number(value) + 1;",
        "const sum = Number(value) + 1;\n          await Promise.resolve();",
      ],
    ],
    breaks: "keys > incr is atomic: of callers at once each gets a number of its own",
    says: /expected \[1, 2, 3/,
  },
  {
    what: "whose incr counts from what is no integer",
    mistakes: [[`throw new Error("The value is not an integer.")`, "return 1"]],
    breaks: "keys > incr of what is no integer rejects, and leaves it",
    says: /should have rejected/,
  },
  {
    what: "whose incr forgets the expiry",
    mistakes: [["{ value: String(sum), expiresAt }", "{ value: String(sum), expiresAt: Infinity }"]],
    breaks: "keys > incr leaves an expiry as it was",
    says: /the value of EX 1/,
  },
  {
    what: "that takes EX for milliseconds",
    mistakes: [["options.EX * 1000", "options.EX"]],
    breaks: "keys > a value set with EX is gone after so many seconds, not before",
    says: /expected "|lived for a while/,
  },
  {
    what: "that ignores EX",
    mistakes: [["options?.EX === undefined ? Infinity", "options?.EX !== 0 ? Infinity"]],
    breaks: "keys > a value set with EX is gone after so many seconds, not before",
    says: /the value of EX 1/,
  },
];

describe("a broker", () => {
  /** All at once, since most of them wait. */
  let outcomes: Map<string, Promise<Outcome>>;

  beforeAll(() => {
    outcomes = new Map(mistakes.map((mistake) => [mistake.what, tryMistake(mistake)]));
  });

  test.each(mistakes)("$what is found", async ({ what, breaks, says }) => {
    const outcome = await outcomes.get(what);
    expect(outcome?.ran).toBe(1);
    expect(outcome?.broken.get(breaks)).toMatch(says);
  });
});

function tryMistake({ mistakes: made, breaks }: MistakenAuthor): Promise<Outcome> {
  return run(made, breaks);
}

async function run(made: readonly Mistake[], breaks: string): Promise<Outcome> {
  const { Broker } = (await folder.load("broker.ts", made)) as {
    Broker: new () => { connect: () => PubSubPair };
  };
  const factory = (): { createPair: () => PubSubPair; dispose: () => void } => {
    const broker = new Broker();
    return { createPair: () => broker.connect(), dispose: () => undefined };
  };
  return collect(
    (runner) => describePubSub("broker", factory, runner),
    (name) => name === breaks,
  );
}
