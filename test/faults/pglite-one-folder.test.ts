// One folder, however its path is written, is one instance: two would destroy it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createPgliteResumableStreamContext } from "../../src/pglite.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";

test.each([
  ["relative", (path: string) => relative(process.cwd(), path)],
  ["with a slash at its end", (path: string) => `${path}/`],
  ["as a file: address", (path: string) => `file://${path}`],
])(
  "a context whose path of the folder is %s follows the other's stream",
  { timeout: 30_000 },
  async (_, spell) => {
    const parent = await mkdtemp(join(tmpdir(), "pglite-"));
    onTestFinished(() => rm(parent, { recursive: true, force: true }));
    const folder = join(parent, "streams");
    const [first, second] = [folder, spell(folder)].map((dataDir) =>
      createPgliteResumableStreamContext({ dataDir, waitUntil: null }),
    );
    onTestFinished(async () => {
      await Promise.all([first?.close(), second?.close()]);
    });
    const source = manualSource();
    await first?.createNewResumableStream("chat", source.makeStream);
    const following = read(await second?.resumeExistingStream("chat"));
    source.push("one text");
    source.end();
    await expectClosed(following, "one text");
    expect(await second?.hasExistingStream("chat")).toBe("DONE");
  },
);
