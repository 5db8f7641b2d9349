// What a page or a cold start loads. Exact, so that one round tells; the budgets that hold it are in test/package.

import { sizeOf } from "../../test/package/bundle.ts";
import { atMost } from "../lib/line.ts";
import type { Group, Row } from "../lib/row.ts";

const exportAll = (...entries: string[]): string =>
  entries.map((entry) => `export * from "resumable-stream/${entry}";`).join("\n");

const ENGINE_AND_RELAY = `
  export { Streams } from "./dist/engine/streams.js";
  export { relayTransport } from "./dist/transports/relay/relay.js";`;

const TRIED = {
  engine:
    "It has grown with what it promises: the end written before it is told, hand-overs, drains, verdicts and checks as machines of their own. The largest file is 6 % of it. Without all of its messages it would take 18,200, and compiled for newer platforms as much as now: there is no part to leave out.",
  http: "The fan-out past the web streams and the bridge to Node are a third of it. An app on another platform doesn't run them, and a bundler can't leave them out, since a `Response` has to be found by them. Without its messages it would take 8,800.",
  client:
    "Positions, proofs of each answer, a second connection before the first is let go, and the edges of `fetch` take 6.0 KB; its messages are 280 of that.",
  chatServer:
    "It was 3,992 before a chat was loaded and saved by one at a time, without which a slow `save` wrote over the next question: 250 bytes.",
};

const sizes: Row<AsyncDisposable> = {
  name: "sizes",
  rounds: 1,
  warmsUp: false,
  lines: [
    {
      key: "engine",
      label: "engine and relay",
      unit: "count",
      bounds: [atMost(12_000)],
      tried: TRIED.engine,
    },
    { key: "http", label: "`/http`", unit: "count", bounds: [atMost(5_500)], tried: TRIED.http },
    { key: "client", label: "`/client`", unit: "count", bounds: [atMost(4_000)], tried: TRIED.client },
    {
      key: "chatServer",
      label: "`/ai-sdk`, beside `/http`",
      unit: "count",
      bounds: [atMost(4_000)],
      tried: TRIED.chatServer,
    },
    { key: "chatPage", label: "`/ai-sdk/client`, beside `/client`", unit: "count", bounds: [atMost(1_500)] },
  ],
  contenders: {
    ours: () =>
      Promise.resolve({
        async measure() {
          const [http, client] = [await sizeOf(exportAll("http")), await sizeOf(exportAll("client"))];
          return {
            engine: await sizeOf(ENGINE_AND_RELAY),
            http,
            client,
            chatServer: (await sizeOf(exportAll("http", "ai-sdk"))) - http,
            chatPage: (await sizeOf(exportAll("client", "ai-sdk/client"))) - client,
          };
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  },
};

export const size: Group<AsyncDisposable> = {
  name: "size",
  title: "Size",
  intro: "In bytes: bundled, minified and gzipped, without peers.",
  rows: [sizes],
  start: () => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() }),
  versions: () => Promise.resolve({}),
};
