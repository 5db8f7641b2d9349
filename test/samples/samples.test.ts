// Every server that README and docs show, with the client that they show beside it: over thirty cuts, a killed producer, and a
// second answer under the same id.

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { resumableFetch, type ResumableFetchInit } from "../../src/client.ts";
import { type BlockFolder, createBlockFolder } from "../readme/blocks.ts";
import { LINES } from "./answer.ts";
import { readOverCuts, SampleReader } from "./drive.ts";
import { type Conversation, samplePrograms } from "./programs.ts";
import { type SampleServer, serveSample } from "./sample-server.ts";

const programs = await samplePrograms();

let folder: BlockFolder;

beforeAll(async () => {
  folder = await createBlockFolder();
  await folder.writeAs("login.ts", 'export const userOf = async (_request: Request) => "ada";\n');
  await folder.writeAs(
    "model.ts",
    `import { makeLines } from "../../samples/answer.ts";
export const answer = (_prompt: string, signal: AbortSignal) => makeLines((line) => \`\${line}\\n\`, signal);
`,
  );
});

afterAll(() => folder.remove());

async function start(code: string): Promise<SampleServer> {
  const file = await folder.write({ name: "", language: "ts", code });
  return serveSample(file, { REDIS_URL: inject("redisUrl") });
}

/** As the documents' page asks for an answer, and gets the rest of it by itself. */
function ask({ post: { path, json }, path: resumePath }: Conversation, url: string): Promise<Response> {
  const init: ResumableFetchInit = {
    method: "POST",
    ...(json !== undefined && {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(json),
    }),
    ...(resumePath !== undefined && { resumeUrl: `${url}${resumePath}` }),
  };
  return resumableFetch(`${url}${path}`, init);
}

/** Where an answer is resumed and stopped: known beforehand, or named by the answer. */
function placeOf({ path }: Conversation, url: string, response: Response): URL {
  return new URL(path ?? response.headers.get("content-location") ?? "", url);
}

test("the documents show servers", () => {
  expect(programs.length).toBeGreaterThan(3);
});

describe.each(programs)("$name", { concurrent: true, timeout: 120_000 }, ({ code, ask: conversation }) => {
  test("thirty cuts: the text is whole, and of one answer", async () => {
    await using server = await start(code);
    const reader = await readOverCuts(server, (url) => ask(conversation, url), 7);
    expect(reader.cuts).toBeGreaterThanOrEqual(30);
    expect([reader.lines, reader.end]).toEqual([LINES, "clean"]);
  });

  test("a killed producer: the reader has a part, and is told so", async () => {
    await using server = await start(code);
    const reader = new SampleReader(await ask(conversation, server.url));
    await reader.reached(20);
    await server.kill();
    await server.restart();
    await reader.ended;
    expect(reader.end).toBe("PRODUCER_LOST");
    expect(reader.lines).toBeGreaterThanOrEqual(20);
  });

  test("a second answer meanwhile: who was away in the first one is never given the second's", async () => {
    await using server = await start(code);
    const response = await ask(conversation, server.url);
    const reader = new SampleReader(response);
    await reader.reached(20);
    await server.proxy.refuse();
    const direct = server.directUrl;
    const stopped = await fetch(placeOf(conversation, direct, response), { method: "DELETE" });
    expect(stopped.status).toBe(200);
    const second = new SampleReader(await ask(conversation, direct));
    await second.reached(20);
    await server.proxy.accept();
    await reader.ended;
    expect(reader.lines).toBeGreaterThanOrEqual(20);
    expect(reader.end).toMatch(/^(PRODUCER_LOST|MISSED_END)$/);
    await fetch(placeOf(conversation, direct, response), { method: "DELETE" });
  });
});
