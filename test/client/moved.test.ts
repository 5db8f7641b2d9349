// A server that is being replaced, while its reader's stream is produced elsewhere.

import { expect, test } from "vitest";
import { createResumeHandlers, type StreamResponseOptions } from "../../src/http.ts";
import { createResumableStreamContext, type ResumableStreamContext } from "../../src/memory.ts";
import { type ManualSource, manualSource } from "../../src/testing/manual-source.ts";
import { until } from "../support/wait.ts";
import { letRetry, readText } from "./reader.ts";
import { openWire, type Wire } from "./scene.ts";

interface Deploy extends Wire {
  source: ManualSource;
  /** Closes the context that answers, and has another one answer in its place. */
  replace: () => void;
}

let deploys = 0;

/** A stream of one context, and another one that readers are sent to. */
async function openDeploy(
  options: StreamResponseOptions = {},
  send = (response: Response): Response => response,
): Promise<Deploy> {
  const keyPrefix = `moved-${++deploys}`;
  const opened: ResumableStreamContext[] = [];
  const open = (): ResumableStreamContext => {
    const context = createResumableStreamContext({ waitUntil: null, keyPrefix, onError: () => undefined });
    opened.push(context);
    return context;
  };
  const source = manualSource();
  await (await open().createNewResumableStream("s", source.makeStream))?.cancel();
  const serve = (context: ResumableStreamContext) =>
    createResumeHandlers(context, { streamId: () => "s", authorize: () => true, ...options });
  let { GET } = serve(open());
  const wire = await openWire(async (request) => send(await GET(request)));
  return {
    ...wire,
    source,
    replace: () => {
      const closing = opened.at(-1);
      ({ GET } = serve(open()));
      void closing?.close();
    },
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]();
      await Promise.all(opened.map((context) => context.close()));
    },
  };
}

test("a reader of events goes elsewhere at once, and has the text whole and once", async () => {
  await using deploy = await openDeploy();
  const reading = readText(await deploy.fetch());
  // No time passes here: an attempt that waited would never be made.
  for (const piece of ["data: a\n\n", "data: b\n\n", "data: c\n\n"]) {
    const before = reading.text().length;
    deploy.source.push(piece);
    await reading.reached(before + piece.length);
    const asked = deploy.requests.length;
    deploy.replace();
    await until(() => deploy.requests.length > asked, { what: "the reader to come back" });
  }
  await until(() => deploy.requests.length === 4, { what: "four requests" });
  deploy.source.push("data: d\n\n");
  await reading.reached(reading.text().length + 1);
  deploy.source.end();
  const end = await reading.ended;
  expect(end.kind).toBe("closed");
  expect([...end.text.matchAll(/^data: (.)$/gm)].map(([, letter]) => letter).join("")).toBe("abcd");
  expect(deploy.requests).toEqual(["", "?resumeAt=9", "?resumeAt=18", "?resumeAt=27"]);
});

/** As Astro's adapter for Node sends a body that breaks off. */
function apologizing(response: Response): Response {
  const reader = response.body?.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done) controller.close();
        else controller.enqueue(value);
      } catch {
        controller.enqueue(new TextEncoder().encode("Internal server error"));
        setTimeout(() => controller.error(new Error("it broke off")), 50);
        await new Promise(() => undefined);
      }
    },
  });
  return new Response(body, response);
}

test("what a server writes into a body that breaks off is no text of our events", async () => {
  await using deploy = await openDeploy({}, apologizing);
  const reading = readText(await deploy.fetch());
  deploy.source.push("data: a\n\ndata: b");
  await reading.reached(9);
  deploy.replace();
  await until(() => deploy.requests.length === 2, { what: "the reader to come back" });
  deploy.source.push("b\n\n");
  deploy.source.end();
  const end = await reading.ended;
  expect([end.kind, end.text.match(/^data: .*$/gm)]).toEqual(["closed", ["data: a", "data: bb"]]);
  expect(end.text).not.toContain("Internal");
});

test("a reader that is sent on before anything came waits in between", async () => {
  await using deploy = await openDeploy();
  const reading = readText(await deploy.fetch());
  deploy.source.push("data: a\n\n");
  await reading.reached(9);
  deploy.replace();
  await until(() => deploy.requests.length === 2, { what: "the reader to come back" });
  // Until its answer is there: what is replaced before that answers 503.
  await until(() => deploy.clock.waiting().length === 1, { what: "the second answer" });
  deploy.replace();
  await letRetry(deploy);
  expect(deploy.requests).toHaveLength(3);
  await until(() => deploy.clock.waiting().length === 1, { what: "the third answer" });
  deploy.source.push("data: b\n\n");
  await reading.reached(reading.text().length + 1);
  deploy.source.end();
  expect((await reading.ended).kind).toBe("closed");
});

test("a reader of plain text comes back after half a second at most", async () => {
  await using deploy = await openDeploy({ format: "text" });
  const reading = readText(await deploy.fetch());
  deploy.source.push("one ");
  await reading.reached(4);
  deploy.replace();
  await until(() => deploy.clock.waiting().some((delay) => delay <= 500), { what: "the wait" });
  await letRetry(deploy);
  deploy.source.push("two");
  await reading.reached(7);
  deploy.source.end();
  await until(() => deploy.requests.length >= 3, { what: "the question for the end" });
  expect(await reading.ended).toMatchObject({ kind: "closed", text: "one two" });
});
