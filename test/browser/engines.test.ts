// The client and EventSource in Firefox and in WebKit, which is Safari's engine: cuts, each end, a reload, two readers of one URL.

import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from "vitest";
import { createResumeHandlers } from "../../src/http.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { type ManualSource, manualSource } from "../../src/testing/manual-source.ts";
import { openFirefox } from "../support/firefox.ts";
import { type HttpServer, serveHttp } from "../support/http-server.ts";
import { TcpProxy } from "../support/proxy.ts";
import { until } from "../support/wait.ts";
import type { DrivenPage } from "../support/web-driver.ts";
import { openWebKit } from "../support/webkit.ts";
import { clientScript } from "./client-script.ts";

const formats = ["events", "text"] as const;

/** `read` and `listen` keep what came in `state.text`, and how that ended in `state.end`. */
const html = `<!doctype html><script>
  const state = { text: "" };
  async function read(url) {
    const { endOf, resumableFetch, ResumableFetchError } = await import("/client.js");
    const response = await resumableFetch(url);
    const reader = response.body.pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true })).getReader();
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) state.text += next.value;
      state.end = await endOf(response);
    } catch (error) {
      state.end = error instanceof ResumableFetchError && error instanceof TypeError ? error.code : String(error);
    }
  }
  function listen(url) {
    const source = new EventSource(url);
    source.onmessage = ({ data }) => { state.text += "data: " + data + "\\n\\n"; };
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) state.end = "closed"; };
  }
  onunhandledrejection = ({ reason }) => { state.end = "unhandled " + reason; };
</script>`;

interface PageState {
  text: string;
  /** Absent until it has ended. */
  end?: string;
}

describe.each([
  ["Firefox", openFirefox],
  ["WebKit", openWebKit],
])("%s", (_, open) => {
  let page: DrivenPage;
  let script: string;
  let context: ResumableStreamContext;
  let source: ManualSource;
  let server: HttpServer;
  let proxy: TcpProxy;
  let asked: number;
  /** In place of the next answers; absent unless a test has some. */
  let instead: (() => Response) | undefined;
  /** No request is answered. */
  let isAway: boolean;

  beforeAll(async () => {
    [page, script] = await Promise.all([open(), clientScript()]);
  }, 300_000);
  afterAll(() => page[Symbol.asyncDispose]());

  const produce = async (): Promise<void> => {
    source = manualSource();
    await (await context.createNewResumableStream("chat", source.makeStream))?.cancel();
  };

  beforeEach(async () => {
    [asked, instead, isAway] = [0, undefined, false];
    context = createResumableStreamContext({ waitUntil: null, onError: () => undefined });
    await produce();
    const options = { streamId: () => "chat", authorize: () => true, retryMs: 50 };
    const handlers = {
      events: createResumeHandlers(context, options),
      text: createResumeHandlers(context, { ...options, format: "text" }),
    };
    server = await serveHttp(async (request) => {
      const name = new URL(request.url).pathname.slice(1);
      if (name === "events" || name === "text") {
        asked += 1;
        await until(() => !isAway, { what: "the server to be back" });
        return instead?.() ?? handlers[name].GET(request);
      }
      const [type, body] = name === "client.js" ? ["text/javascript", script] : ["text/html", html];
      return new Response(body, { headers: { "content-type": type } });
    });
    proxy = await TcpProxy.start(server.port);
    await page.goto(`http://127.0.0.1:${proxy.port}/`);
  });

  afterEach(async () => {
    await proxy.stop();
    await server[Symbol.asyncDispose]();
    await context.close();
  });

  const state = (): Promise<PageState> => page.run("state");
  const ended = (): Promise<PageState> =>
    until(async () => ((await state()).end === undefined ? undefined : state()), { what: "the end" });
  const onPage = async (piece: string): Promise<void> => {
    const isThere = async (): Promise<boolean> => (await state()).text.includes(piece.trimEnd());
    await until(isThere, { what: () => `${piece} on the page` });
  };
  const bring = async (piece: string): Promise<void> => {
    source.push(piece);
    await onPage(piece);
  };
  const whileAway = async (act: () => unknown): Promise<void> => {
    isAway = true;
    proxy.cut();
    await act();
    isAway = false;
  };
  const withoutIds = ({ text, ...rest }: PageState): PageState => ({
    ...rest,
    text: text.replace(/^id: .*\n/gm, ""),
  });

  describe.each(formats)("%s", (format) => {
    const begin = async (): Promise<void> => {
      await page.run(`void read("/${format}")`);
      await bring("data: begun\n\n");
    };

    test("go on over connections that close and that are reset, unit for unit", async () => {
      await begin();
      const pieces = Array.from({ length: 6 }, (_piece, at) => `data: ${at} zwölf 🌊\0\uFEFF\u2028 👩‍👧\n\n`);
      for (const [at, piece] of pieces.entries()) {
        // A character that is divided at the cut comes again.
        proxy[at % 2 ? "reset" : "cut"]();
        await bring(piece);
      }
      source.end();
      expect(withoutIds(await ended())).toEqual({ text: `data: begun\n\n${pieces.join("")}`, end: "done" });
      expect(asked).toBeGreaterThan(pieces.length);
    });

    test("go on with a server that was away", async () => {
      await begin();
      await proxy.refuse();
      source.push("data: the rest\n\n");
      await page.run("new Promise((resolve) => setTimeout(resolve, 600))");
      await proxy.accept();
      await onPage("data: the rest\n\n");
      source.end();
      expect(withoutIds(await ended())).toEqual({
        text: "data: begun\n\ndata: the rest\n\n",
        end: "done",
      });
    });

    const other = (): Response =>
      new Response("other", {
        headers: { "content-type": format === "text" ? "text/plain" : "text/event-stream" },
      });

    const ends: [string, () => unknown, string][] = [
      ["is stopped", () => context.stopStream("chat"), "stopped"],
      // Plain text can't say that it failed: what is asked then finds no stream.
      [
        "fails",
        () => source.fail(new Error("away")),
        format === "events" ? "SOURCE_FAILED" : "PRODUCER_LOST",
      ],
      ["is refused", () => [(instead = () => new Response("no", { status: 403 })), proxy.cut()], "REFUSED"],
      ["is another text", () => [(instead = other), proxy.cut()], "NOT_RESUMED"],
      [
        "ends while its reader is away",
        () =>
          whileAway(() => {
            source.push("data: the rest\n\n");
            source.end();
          }),
        "MISSED_END",
      ],
      [
        "is produced anew while its reader is away",
        () =>
          whileAway(async () => {
            await context.stopStream("chat");
            await produce();
            source.push("data: another\n\n");
          }),
        "PRODUCER_LOST",
      ],
    ];
    test.each(ends)("a stream that %s", async (_what, act, end) => {
      await begin();
      await act();
      expect(withoutIds(await ended())).toEqual({ text: "data: begun\n\n", end });
    });

    test("a reloaded page has the text from its beginning", async () => {
      await begin();
      await page.reload();
      await page.run(`void read("/${format}")`);
      await bring("data: the rest\n\n");
      source.end();
      expect(withoutIds(await ended())).toEqual({
        text: "data: begun\n\ndata: the rest\n\n",
        end: "done",
      });
    });

    test("a second reader of the same URL doesn't wait for the first", async () => {
      await begin();
      await page.run(`state.text = "", void read("/${format}")`);
      await until(async () => (await state()).text.includes("data: begun\n"), {
        what: "the second one's text",
      });
      expect(asked).toBe(2);
    });
  });

  describe("an EventSource", () => {
    beforeEach(async () => {
      await page.run(`listen("/events")`);
      await bring("data: begun\n\n");
    });

    test("goes on after each cut, and stops at the end", async () => {
      for (const piece of ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]) {
        proxy.cut();
        await bring(piece);
      }
      source.end();
      const text = "data: begun\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\n";
      expect(await ended()).toEqual({ text, end: "closed" });
    });

    test("stops where its stream was produced anew, and gets nothing of that", async () => {
      await whileAway(async () => {
        await context.stopStream("chat");
        await produce();
        source.push("data: another\n\n");
      });
      expect(await ended()).toEqual({ text: "data: begun\n\n", end: "closed" });
    });
  });
});
