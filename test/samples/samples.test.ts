// Every server that the documents show, with the client that they show beside it: over thirty cuts, and a killed producer.

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type BlockFolder, createBlockFolder, readBlocks } from "../readme/blocks.ts";
import { bundled, errorsOfFiles } from "../types/compile.ts";
import { isWhole } from "./answer.ts";
import { readOverCuts, SampleReader } from "./drive.ts";
import { readmeModel, samplePrograms } from "./programs.ts";
import { type SampleServer, serveSample } from "./sample-server.ts";

const programs = await samplePrograms();

let folder: BlockFolder;

beforeAll(async () => {
  folder = await createBlockFolder();
  await folder.writeAs("model.ts", readmeModel);
  await folder.writeAs(
    "events.ts",
    `import { makeLines } from "../../samples/answer.js";
export const answer = (signal: AbortSignal) => makeLines((line) => \`data: \${line}\\n\\n\`, signal);
`,
  );
  // As the guide says: the README's route, in a file of its own.
  const [route] = (await readBlocks()).filter(({ code }) => code.includes("createResumeHandlers"));
  await folder.writeAs("answer.ts", route?.code.replace("waitUntil: after", "waitUntil: null") ?? "");
});

afterAll(() => folder.remove());

async function start(code: string): Promise<SampleServer> {
  const file = await folder.write({ name: "", language: "ts", code });
  return serveSample(file, { REDIS_URL: inject("redisUrl") });
}

test("the documents show a route, its four homes, and chats with and without the AI SDK", () => {
  expect(programs.map(({ name }) => name)).toEqual([
    "README.md",
    "docs/README.md: Handlers, block 1",
    "docs/README.md: Handlers, block 2",
    "docs/README.md: Handlers, block 3",
    "docs/README.md: Handlers, block 4",
    "docs/http.md: Next.js, block 1",
    "docs/recipes.md: How do I build a chat without the AI SDK?, block 1",
    "docs/ai-sdk.md: The route, block 1",
  ]);
});

test("the guide's programs compile", async () => {
  const shown = programs.filter(({ name }) => name.startsWith("docs/README.md"));
  const files = await Promise.all(shown.map(({ code }) => folder.write({ name: "", language: "ts", code })));
  expect(errorsOfFiles(files, bundled)).toEqual([]);
});

describe.each(programs)(
  "$name",
  { concurrent: true, timeout: 120_000 },
  ({ code, ask, placeOf, cutAfterBytes }) => {
    test("thirty cuts: the text is whole, and of one answer", async () => {
      await using server = await start(code);
      const reader = await readOverCuts(server, ask, { seed: 7, cutAfterBytes });
      expect(reader.cuts).toBeGreaterThanOrEqual(30);
      expect([isWhole(reader.text), reader.end]).toEqual([true, "clean"]);
    });

    test("a killed producer: the reader has a part, and is told so", async () => {
      await using server = await start(code);
      const reader = new SampleReader(await ask(server.url));
      await reader.reached(20);
      await server.kill();
      await server.restart();
      await reader.ended;
      expect(reader.end).toBe("PRODUCER_LOST");
      expect(reader.lines).toBeGreaterThanOrEqual(20);
    });

    test("a stop on the way: the reader has a part with a clean end", async () => {
      await using server = await start(code);
      const response = await ask(server.url);
      const reader = new SampleReader(response);
      await reader.reached(20);
      const stopped = await fetch(placeOf(response, server.directUrl), { method: "DELETE" });
      expect(stopped.status).toBe(200);
      await reader.ended;
      expect(reader.end).toBe("clean");
      expect(isWhole(reader.text)).toBe(false);
    });
  },
);
