// Entries that need no Node run where there is none, and each entry stays small.

import { createContext, runInContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { youngerThanBaseline } from "./baseline.ts";
import { bundle, globalsOf, sizeOf } from "./bundle.ts";

/** What an edge platform has, and no more. */
const WEB = {
  AbortController,
  AbortSignal,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  TransformStream,
  URL,
  clearTimeout,
  console,
  crypto,
  performance,
  queueMicrotask,
  setTimeout,
};

function notSupported(): never {
  throw new Error("A Node.js API is used (setImmediate) which is not supported in the Edge Runtime.");
}

describe.each(["memory", "generic", "http", "client", "ai-sdk", "ai-sdk/client", "transport", "testing"])(
  '"resumable-stream/%s"',
  (entry) => {
    test("imports no package, nothing of Node's, and uses none of its globals", async () => {
      const { imports, globals } = await bundle(`export * from "resumable-stream/${entry}";`);
      expect(imports).toEqual([]);
      expect(globals).toEqual([]);
    });

    test("loads where there are web standards only", async () => {
      const { code } = await bundle(`export * from "resumable-stream/${entry}";`);
      const names: unknown = runInContext(`${code}; Object.keys(bundled)`, createContext({ ...WEB }));
      expect(names).not.toHaveLength(0);
    });
  },
);

test("the client has nothing of the server's part", async () => {
  const { files } = await bundle(`export * from "resumable-stream/client";`);
  expect(files.filter((path) => !/^dist\/(client\.js|client\/|lib\/)/.test(path))).toEqual([]);
});

test("a page of the AI SDK has nothing of the server's part", async () => {
  const { files } = await bundle(`export * from "resumable-stream/ai-sdk/client";`);
  const ours = /^dist\/(ai-sdk-client\.js|ai-sdk\/client\/|client\/|lib\/)/;
  expect(files.filter((path) => !ours.test(path))).toEqual([]);
});

test.each(["client", "ai-sdk/client"])(
  '"resumable-stream/%s" calls nothing that the oldest browsers it is for lack',
  async (entry) => {
    const { code } = await bundle(`export * from "resumable-stream/${entry}";`);
    expect(youngerThanBaseline(code)).toEqual([]);
  },
);

test.each([
  ["signal.throwIfAborted()", ["throwIfAborted"]],
  ["const last = list?.at(-1), own = Object.hasOwn(last, 'at')", ["at", "Object.hasOwn"]],
  ["new TextDecoderStream(); globalThis.structuredClone?.(1)", ["TextDecoderStream", "structuredClone"]],
  ["async () => { for await (const one of body) /(?<=a)b/.exec(one); }", ["for await", "lookbehind"]],
  ["signal.reason; ({ at: 1 }); 'x.at()'", []],
])("what is younger than the baseline is named: %s", (code, names) => {
  expect(youngerThanBaseline(code)).toEqual(names);
});

test("what leaks is named, with the file it leaks from", async () => {
  const { imports } = await bundle(`export * from "./dist/cli/args.js";`);
  expect(imports).toEqual(["dist/cli/args.js: node:util"]);
  expect(await globalsOf("dist/cli.js")).toEqual(["dist/cli.js: process"]);
});

test("each of the two client libraries is imported by its own entry only", async () => {
  const importsOf = async (entry: string) =>
    (await bundle(`export * from "resumable-stream/${entry}";`)).imports;
  expect(await importsOf("redis")).toEqual([expect.stringMatching(/: redis$/)]);
  expect(await importsOf("ioredis")).toEqual([expect.stringMatching(/: ioredis$/)]);
  expect(await importsOf("postgres")).toEqual([]);
});

test.each([
  ["there are web standards only", {}],
  ["setImmediate throws, as that of Next.js' Edge runtime does", { setImmediate: notSupported }],
])("memory streams are produced and followed where %s", async (_where, others) => {
  const { code } = await bundle(`
    import { createResumableStreamContext } from "resumable-stream/memory";
    export async function run() {
      const context = createResumableStreamContext({ waitUntil: null });
      const read = async (stream) => {
        let text = "";
        const reader = stream.getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return text;
          text += value;
        }
      };
      const makeStream = () => new ReadableStream({
        start(controller) {
          setTimeout(() => { controller.enqueue("some text"); controller.close(); }, 1);
        },
      });
      const produced = await context.resumableStream("id", makeStream);
      const followed = await context.resumeExistingStream("id", 5);
      const texts = await Promise.all([read(produced), read(followed)]);
      await context.close();
      return texts.join("|");
    }`);
  const texts: unknown = await runInContext(
    `delete globalThis.WeakRef; delete globalThis.FinalizationRegistry; ${code}; bundled.run()`,
    createContext({ ...WEB, ...others }),
  );
  expect(texts).toBe("some text|text");
});

// Bytes, minified and gzipped: what a page or a cold start loads. Raised only with a reason: last by positions that name their
// generation, by a client that believes nothing without proof, by a setup that reads the catalog first, by bodies that a
// parser has read before the bridge, by state that two builds share, and by clients of our own that are made anew,
// by claims that are answered late, by a store that is
// waited for once, by commits that a server lost, by stops that are seen to the end, by a
// verdict that is a machine of its own, by the replay's end, which a page is told of, and its compaction, by refusals that
// a chat's handlers share, by a server that sends its readers on as it goes, by streams that are handed over and
// drained, by questions that are asked while a chat is loaded, by bodies that are written in step, past the web
// streams, and by text that is handed on as the bytes that came.
// By keepText: the log and its five scripts are 13 KB of the entries over Redis, and cluster clients 2.4 KB of all that take clients;
// the log's port between its two stores 1.4 KB of Postgres'. By turns and latches, which cost a processor less than signals do.
// By a cluster client that takes the place of one that waits for a dead node, and by leases of superseded claims' texts. By listeners
// that don't keep a context that nobody closes, proofs that a busy pool neither counts nor carries, timers that hold no process,
// an Edge runtime whose `setImmediate` throws, headers that a signal doesn't wait for, and messages that are loaded again.
// By leases that outlive a database that takes no text, text of ours that a page may not see to be ours, positions in texts that
// have no claim, and a promise that ends which were told are found. By refusals of one stream that hold up no other, statements that outlive
// a connection and are answered as if they had run once, and subscriptions that ioredis and its Cluster give up. By events of a replay
// that stay small, callbacks that give nothing of use, and a REDIS_URL that is no URL. By messages that
// a pub/sub changes, and stores whose counter doesn't reject. By a cache that Firefox has readers wait for, claims that a server may run
// twice, answers that an app's pool parses, stops that wait for their claim, and messages that say how long they are.
test.each([
  { what: "the client", entry: "client", budget: 6_160 },
  { what: "http", entry: "http", budget: 9_750 },
  { what: "a chat's server, with its part of http", entry: "ai-sdk", budget: 10_900 },
  { what: "a chat's page, with the client", entry: "ai-sdk/client", budget: 7_550 },
  { what: "memory", entry: "memory", budget: 24_100 },
  { what: "generic", entry: "generic", budget: 30_300 },
  { what: "redis", entry: "redis", budget: 45_850 },
  { what: "ioredis", entry: "ioredis", budget: 45_800 },
  { what: "postgres", entry: "postgres", budget: 32_850 },
  { what: "pglite", entry: "pglite", budget: 31_600 },
  { what: "the schema", entry: "postgres/schema", budget: 1_850 },
  { what: "transport", entry: "transport", budget: 13_000 },
  { what: "testing", entry: "testing", budget: 54_100 },
  { what: "everything", entry: "", budget: 60_450 },
])("$what takes at most $budget bytes", async ({ entry, budget }) => {
  expect(await sizeOf(`export * from "resumable-stream${entry && "/"}${entry}";`)).toBeLessThanOrEqual(
    budget,
  );
});

test("the engine and the relay, without the context and its options, take at most 20,000 bytes", async () => {
  const code = `
    export { Streams } from "./dist/engine/streams.js";
    export { relayTransport } from "./dist/transports/relay/relay.js";`;
  expect(await sizeOf(code)).toBeLessThanOrEqual(20_000);
});
