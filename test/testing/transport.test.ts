// The suite for a transport holds over the document's log, and finds what mistaken ones do.

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { expectRejection } from "../../src/testing/assert.ts";
import { describeTransport, type TransportBackend } from "../../src/testing.ts";
import { createResumableStreamContext, type Transport, type TransportSettings } from "../../src/transport.ts";
import { type BlockFolder, createBlockFolder, type Mistake } from "./blocks.ts";
import { collect, type Outcome } from "./collect.ts";
import { createLine, type Line, type LogStore } from "./log-line.ts";

interface LogModule {
  Store: new () => LogStore;
  LogTransport: new (store: LogStore, settings: TransportSettings) => Transport;
}

interface MistakenAuthor {
  what: string;
  mistakes: Mistake[];
  /** The promise that finds it, and how. */
  breaks: string;
  says: RegExp;
}

const PAGE = { epoch: 1, from: 0, text: "text", tail: 4 };

let folder: BlockFolder;

beforeAll(async () => {
  folder = await createBlockFolder();
});

afterAll(async () => {
  await folder.remove();
});

test.each([0, -1, 1.5, Number.NaN, "65000"])(
  "pages of %s units are a TypeError that names them",
  async (pageUnits) => {
    const { LogTransport, Store } = (await folder.load("log.ts")) as LogModule;
    const transport = (settings: TransportSettings): Transport => {
      const made = new LogTransport(new Store(), settings);
      onTestFinished(() => made.close());
      return Object.assign(made, { pageUnits }) as Transport;
    };
    expect(() => createResumableStreamContext({ waitUntil: null, transport })).toThrow(
      new TypeError(`transport: pageUnits must be a whole number from 1, got ${pageUnits}.`),
    );
  },
);

test.each([
  ["an end that is null, as a row has it", { status: "page", page: { ...PAGE, end: null } }],
  [
    "a length that is a string, as a large number of a row is",
    { status: "page", page: { ...PAGE, tail: "4" } },
  ],
  ["text beyond its length", { status: "page", page: { ...PAGE, tail: 2, end: "done" } }],
  ["no page", { status: "page" }],
  ["no status", {}],
  ["nothing", undefined],
])("an answer with %s is no clean end: the call rejects", async (_what, answer) => {
  const { LogTransport, Store } = (await folder.load("log.ts")) as LogModule;
  const context = createResumableStreamContext({
    waitUntil: null,
    // As a program without types has it: no promise either.
    transport: (settings) =>
      Object.assign(new LogTransport(new Store(), settings), { read: () => answer as never }),
  });
  onTestFinished(() => context.close());
  const error = await expectRejection(context.resumeExistingStream("a"), "TRANSPORT_UNAVAILABLE");
  expect(String(error.cause)).toMatch(
    /^TypeError: transport: read answered with no (page|status of its own)\.$/,
  );
});

describe("the document's log", () => {
  test("keeps its promises where its connections are cut", async () => {
    const { ran, broken } = await run([], (name) => name.startsWith("faults > "));
    expect(Object.fromEntries(broken)).toEqual({});
    expect(ran).toBeGreaterThan(10);
  });
});

/** Looks every 50 ms at what is watched, in place of being told. */
const POLLING: Mistake[] = [
  [
    "this.#stopListening = store.listen((key, change) => this.#heard(key, change));",
    `const polling = setInterval(() => {
      for (const key of this.#watches.keys()) this.#heard(key, "text");
    }, 50);
    this.#stopListening = () => clearInterval(polling);`,
  ],
];

test("the document's log keeps every promise where nobody is notified, and it polls", async () => {
  const { ran, broken } = await run(POLLING, () => true);
  expect(Object.fromEntries(broken)).toEqual({});
  expect(ran).toBeGreaterThan(130);
});

const SUPERSEDED = "claims > what a superseded producer appends or ends changes nothing";

const mistakes: MistakenAuthor[] = [
  {
    what: "whose claim looks first and takes later",
    mistakes: [
      [
        "await delay();\n    const row = this.#row(key);\n    const isFailed",
        "const row = this.#row(key);\n    await delay();\n    const isFailed",
      ],
    ],
    breaks: "claims > of many at once for a free id exactly one is won",
    says: /claims won: expected 1, got 12/,
  },
  {
    what: "that forgets the epoch when it writes",
    mistakes: [["row?.epoch !== epoch || ", "row === undefined || "]],
    breaks: SUPERSEDED,
    says: /expected "new", got "new/,
  },
  {
    what: "whose epochs don't rise",
    mistakes: [["Math.max(now, (row?.epoch ?? 0) + 1)", "1"]],
    breaks: "claims > a claim that supersedes is won, has a higher epoch, and the older producer is told",
    says: /the epoch is higher/,
  },
  {
    what: "that discards the text of a failed stream whatever is asked",
    mistakes: [['(mode === "if-free" && isFailed)', "isFailed"]],
    breaks: "claims > a failed stream whose text is kept is left to be read by a claim that is if-absent",
    says: /expected undefined, got \d+/,
  },
  {
    what: "that reads the text before the end",
    mistakes: [
      [
        "const row = this.#row(key);\n    return row && { ...row };",
        'const text = this.#row(key)?.text ?? "";\n    await delay();\n    const row = this.#row(key);\n    return row && { ...row, text };',
      ],
    ],
    breaks: "reads > text and end are of one moment: an end never comes with part of the text",
    says: /differ at \d+/,
  },
  {
    what: "that cuts surrogate pairs",
    mistakes: [["cutText(row.text, from, maxUnits)", "row.text.slice(from, from + maxUnits)"]],
    breaks: "reads > a page has at most as many units as were asked for, and cuts no surrogate pair",
    says: /cuts a pair/,
  },
  {
    what: "that takes an ended stream for one to follow",
    mistakes: [
      ["if (epoch === undefined && hasEndedWell) return", "if (epoch === 0 && hasEndedWell) return"],
    ],
    breaks: "reads > absent, running, done and failed are told apart",
    says: /read: "done"/,
  },
  {
    what: "that keeps records for milliseconds",
    mistakes: [["settings.retentionSeconds * 1000", "settings.retentionSeconds"]],
    breaks: "watches and stops > a record outlives its end for retentionSeconds, and no longer",
    says: /lived for a while|expected "done"/,
  },
  {
    what: "that keeps records for ever",
    mistakes: [["row.expiresAt <= Date.now()", "row.epoch < 0"]],
    breaks: "watches and stops > a record outlives its end for retentionSeconds, and no longer",
    says: /expected "absent", got "done"/,
  },
  {
    what: "that tells followers nothing",
    mistakes: [['hear({ type: "missed" });', "void hear;"]],
    breaks: "watches and stops > a watch hears of text that is appended after its first read",
    says: /a signal came/,
  },
  {
    what: "that loses the reason of a stop",
    mistakes: [["row.stop.reason", "undefined"]],
    breaks: "watches and stops > a stop from another process reaches the producer, with its reason",
    says: /expected something with "enough"/,
  },
  {
    what: "without a heartbeat",
    mistakes: [["for (const [key, held] of this.#held) void this.#write(key, held, NOTHING);", ""]],
    breaks: "watches and stops > a transport that runs keeps its claims: a stream outlives its lease",
    says: /expected "running", got "failed"|long enough/,
  },
  {
    what: "whose leases don't lapse",
    mistakes: [["row.leaseEnd <= Date.now()", "row.epoch < 0"]],
    breaks:
      "faults > a killed producer: followers have what came and then PRODUCER_LOST, within seconds (G4)",
    says: /the follower's end took longer than 8000 ms/,
  },
  {
    what: "that doesn't repeat a write that failed",
    mistakes: [["return this.#isClosed;", "return true;"]],
    breaks: "faults > a producer that was cut off for a moment loses no text, and repeats none (G1)",
    says: /Cannot follow .* beyond offset 7/,
  },
  {
    what: "that adds a repeated text twice",
    mistakes: [["slice.text.slice(row.text.length - slice.from)", "slice.text"]],
    breaks:
      "faults > a producer whose writes were carried out and not answered loses no text, and repeats none (G1)",
    says: /differ at/,
  },
  {
    what: "that sets no deadlines",
    mistakes: [
      [
        'await this.#ask(claiming, { what: "claim", timeoutMs: this.#settings.claimTimeoutMs })',
        "await claiming",
      ],
    ],
    breaks:
      "faults > a backend that hangs from the start: a new text is read all the same, and who asked is told (G2, G7)",
    says: /a new stream took longer than 6000 ms/,
  },
];

describe("a log", () => {
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
  return run(made, (name) => name === breaks);
}

async function run(made: readonly Mistake[], only: (name: string) => boolean): Promise<Outcome> {
  const { LogTransport, Store } = (await folder.load("log.ts", made)) as LogModule;
  const factory = (): TransportBackend => {
    const store = new Store();
    const lines = new Map<Transport, Line>();
    return {
      createTransport: (settings) => {
        const line = createLine(store);
        const transport = new LogTransport(line.store, settings);
        lines.set(transport, line);
        return transport;
      },
      cut: (transport, losing) => lines.get(transport)?.cut(losing) ?? (() => undefined),
      dispose: () => undefined,
    };
  };
  return collect((runner) => describeTransport("log", factory, runner), only);
}
