// One folder, however its path is written, is one instance of one process: two would destroy it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createPgliteResumableStreamContext } from "../../src/pglite.ts";
import { manualSource, sourceOf } from "../../src/testing/manual-source.ts";
import { expectClosed, read } from "../../src/testing/reading.ts";
import { lockFolder } from "../../src/transports/postgres/pglite-folder.ts";
import { WorkerProcess } from "../support/process.ts";
import type { SourceSpec } from "../support/source.ts";
import { until } from "../support/wait.ts";

test.each([
  ["relative", (path: string) => relative(process.cwd(), path)],
  ["with a slash at its end", (path: string) => `${path}/`],
  ["as a file: address", (path: string) => `file://${path}`],
  ["through a link", (path: string) => `${path}-link`],
])(
  "a context whose path of the folder is %s follows the other's stream",
  { timeout: 30_000 },
  async (_, spell) => {
    const parent = await mkdtemp(join(tmpdir(), "pglite-"));
    onTestFinished(() => rm(parent, { recursive: true, force: true }));
    const folder = join(parent, "streams");
    await symlink(folder, `${folder}-link`);
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

test(
  "a second process is refused while the first has it open; once that was killed, one of many gets it",
  { timeout: 60_000 },
  async () => {
    const parent = await mkdtemp(join(tmpdir(), "pglite-"));
    onTestFinished(() => rm(parent, { recursive: true, force: true }));
    const folder = join(parent, "streams");
    await using first = await WorkerProcess.start({ clients: "pglite", url: folder });
    const source: SourceSpec = { label: "first", chunks: 3, everyMs: 1, holdAfter: 2 };
    await first.start({ read: "own", call: "resumableStream", streamId: "chat", source });

    const context = createPgliteResumableStreamContext({ dataDir: folder, waitUntil: null });
    onTestFinished(() => context.close());
    await expect(context.hasExistingStream("chat")).rejects.toMatchObject({
      code: "TRANSPORT_UNAVAILABLE",
      message: expect.stringContaining(folder) as string,
    });
    // The refused process has harmed nothing.
    await first.ask("release", { label: "first" });
    expect(await first.ended("own", 10_000)).toMatchObject({ end: { kind: "clean" } });

    await first.kill();
    const locks = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
    const won = locks.flatMap((lock) => (lock.status === "fulfilled" ? [lock.value] : []));
    expect(won).toHaveLength(1);
    await Promise.all(won.map((unlock) => unlock()));
    // Opening a folder takes seconds, and after a failure no caller waits for them.
    const has = (): Promise<unknown> => context.hasExistingStream("chat").catch(() => undefined);
    await until(async () => (await has()) === "DONE", { what: "the folder", withinMs: 15_000 });
  },
);

// The other platforms' sockets, which can be made here as well.
test.each(["linux", "darwin"] as const)(
  "a socket of %s: one has the folder, and then the next",
  async (platform) => {
    const parent = await mkdtemp(join(tmpdir(), "pglite-"));
    onTestFinished(() => rm(parent, { recursive: true, force: true }));
    const [folder, other] = [join(parent, "streams"), join(parent, "others")];
    const unlocks = [await lockFolder(folder, platform), await lockFolder(other, platform)];
    await expect(lockFolder(folder, platform)).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
    for (const unlock of unlocks) await unlock();
    await (
      await lockFolder(folder, platform)
    )();
  },
);

test("a socket's file that a killed process left is taken away", async () => {
  const parent = await mkdtemp(join(tmpdir(), "pglite-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  const folder = join(parent, "streams");
  const module = new URL("../../src/transports/postgres/pglite-folder.ts", import.meta.url);
  const code = `
    import { lockFolder } from ${JSON.stringify(module.href)};
    await lockFolder(${JSON.stringify(folder)}, "darwin");
    console.log("locked");
    setInterval(() => {}, 1_000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code]);
  await once(child.stdout, "data");
  await expect(lockFolder(folder, "darwin")).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
  child.kill("SIGKILL");
  await once(child, "close");
  await (
    await lockFolder(folder, "darwin")
  )();
});

test("a folder that is renamed, or made anew, is its process's on Linux", async () => {
  const parent = await mkdtemp(join(tmpdir(), "pglite-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  const [folder, renamed] = [join(parent, "streams"), join(parent, "renamed")];
  const unlock = await lockFolder(folder, "linux");
  await rename(folder, renamed);
  for (const path of [renamed, folder]) {
    await expect(lockFolder(path, "linux")).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
  }
  // File systems give a deleted folder's number to the next one.
  await rm(renamed, { recursive: true });
  await (
    await lockFolder(renamed, "linux")
  )();
  await unlock();
  await (
    await lockFolder(folder, "linux")
  )();
});

test("of two workers of node:cluster one has the folder", async () => {
  const parent = await mkdtemp(join(tmpdir(), "pglite-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  const module = new URL("../../src/transports/postgres/pglite-folder.ts", import.meta.url);
  const file = join(parent, "workers.mjs");
  await writeFile(
    file,
    `import cluster from "node:cluster";
    import { lockFolder } from ${JSON.stringify(module.href)};
    if (cluster.isPrimary) cluster.fork() && cluster.fork();
    else lockFolder(${JSON.stringify(join(parent, "streams"))}).then(() => console.log("locked"), ({ code }) => console.log(code));`,
  );
  const child = spawn(process.execPath, ["--import", "tsx", file]);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    // Once its workers have closed it, too.
    await once(child, "close");
  });
  let told = "";
  child.stdout.on("data", (data) => (told += String(data)));
  await until(() => told.split("\n").length > 2, { what: "both workers" });
  expect(told.trim().split("\n").toSorted()).toEqual(["TRANSPORT_UNAVAILABLE", "locked"]);
});

test("of many that find a folder free in one instant one gets it, each time", async () => {
  const parent = await mkdtemp(join(tmpdir(), "pglite-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  for (let round = 0; round < 50; round += 1) {
    const locks = await Promise.allSettled(
      Array.from({ length: 8 }, () => lockFolder(join(parent, "streams"))),
    );
    const won = locks.flatMap((lock) => (lock.status === "fulfilled" ? [lock.value] : []));
    expect(won).toHaveLength(1);
    await Promise.all(won.map((unlock) => unlock()));
  }
});

test("a context that opens a folder while another of the process closes it waits for that", async () => {
  const parent = await mkdtemp(join(tmpdir(), "pglite-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  const open = () =>
    createPgliteResumableStreamContext({ dataDir: join(parent, "streams"), waitUntil: null });
  const [first, second] = [open(), open()];
  onTestFinished(() => second.close());
  await first.createNewResumableStream("chat", sourceOf(["text"])).then(read);
  await until(async () => (await first.hasExistingStream("chat")) === "DONE", { what: "the end" });
  const closing = first.close();
  expect(await second.hasExistingStream("chat")).toBe("DONE");
  await closing;
});
