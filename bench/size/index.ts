// What a page or a cold start loads. Exact, so that one round tells; the budgets that hold it are in test/package.

import { sizeOf } from "../../test/package/bundle.ts";
import { atMost } from "../lib/line.ts";
import type { Group, Row } from "../lib/row.ts";

const exportAll = (...entries: string[]): string =>
  entries.map((entry) => `export * from "resumable-stream/${entry}";`).join("\n");

const ENGINE_AND_RELAY = `
  export { Streams } from "./dist/engine/streams.js";
  export { relayTransport } from "./dist/transports/relay/relay.js";`;

const sizes: Row<AsyncDisposable> = {
  name: "sizes",
  rounds: 1,
  warmsUp: false,
  lines: [
    { key: "engine", label: "engine and relay", unit: "count", bounds: [atMost(12_000)] },
    { key: "http", label: "`/http`", unit: "count", bounds: [atMost(5_500)] },
    { key: "client", label: "`/client`", unit: "count", bounds: [atMost(4_000)] },
    { key: "chatServer", label: "`/ai-sdk`, beside `/http`", unit: "count", bounds: [atMost(4_000)] },
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
