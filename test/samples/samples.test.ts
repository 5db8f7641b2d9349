// The server that the README shows, with the client that it shows beside it: over thirty cuts, and a killed producer.

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { resumableFetch } from "../../src/client.ts";
import { type BlockFolder, createBlockFolder } from "../readme/blocks.ts";
import { LINES } from "./answer.ts";
import { readOverCuts, SampleReader } from "./drive.ts";
import { type SampleProgram, samplePrograms } from "./programs.ts";
import { type SampleServer, serveSample } from "./sample-server.ts";

const programs = await samplePrograms();

let folder: BlockFolder;

beforeAll(async () => {
  folder = await createBlockFolder();
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

/** As the README's page asks: the answer says where the rest is. */
function ask({ path, json }: SampleProgram["ask"], url: string): Promise<Response> {
  return resumableFetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(json),
  });
}

function placeOf(response: Response, url: string): URL {
  return new URL(response.headers.get("content-location") ?? "", url);
}

test("the README shows a server", () => {
  expect(programs).toHaveLength(1);
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

  test("a stop on the way: the reader has a part with a clean end", async () => {
    await using server = await start(code);
    const response = await ask(conversation, server.url);
    const reader = new SampleReader(response);
    await reader.reached(20);
    const stopped = await fetch(placeOf(response, server.directUrl), { method: "DELETE" });
    expect(stopped.status).toBe(200);
    await reader.ended;
    expect(reader.end).toBe("clean");
    expect(reader.lines).toBeLessThan(LINES);
  });
});
