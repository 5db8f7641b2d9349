// Row: a pooler in transaction mode between the library and Postgres. Statements of a connection run on any backend.

import { Pool } from "pg";
import { expect, test } from "vitest";
import { createPostgresResumableStreamContext, type DurableStreamContext } from "../../src/postgres.ts";
import { manualSource } from "../../src/testing/manual-source.ts";
import { expectSameText } from "../../src/testing/assert.ts";
import { expectClosed, read, readWhole } from "../../src/testing/reading.ts";
import { Pooler } from "../support/pooler.ts";
import { PostgresScene } from "../support/scene.ts";
import { sourceText, SpecifiedSource, type SourceSpec } from "../support/source.ts";
import { until, within } from "../support/wait.ts";

interface Behind extends AsyncDisposable {
  context: DurableStreamContext;
  errors: Error[];
}

function behind(url: string, listenerUrl?: string): Behind {
  const pool = new Pool({ connectionString: url });
  const listenerPool = listenerUrl === undefined ? undefined : new Pool({ connectionString: listenerUrl });
  const errors: Error[] = [];
  const context = createPostgresResumableStreamContext({
    pool,
    ...(listenerPool ? { listenerPool } : {}),
    waitUntil: null,
    onError: (error) => errors.push(error),
  });
  const dispose = async (): Promise<void> => {
    await context.close();
    await Promise.all([pool.end(), listenerPool?.end()]);
  };
  return { context, errors, [Symbol.asyncDispose]: dispose };
}

test("streams and followers of two processes behind a pooler: whole texts, and nothing is reported", async () => {
  await using scene = await PostgresScene.open();
  await using pooler = await Pooler.start(scene.postgres.url);
  await using producing = behind(pooler.url);
  await using following = behind(pooler.url);
  const specs = Array.from({ length: 12 }, (_, index): SourceSpec => ({
    label: `s${index}`,
    chunks: 100,
    everyMs: 10,
  }));
  const primaries = await Promise.all(
    specs.map(({ label, ...spec }) =>
      producing.context.resumableStream(label, new SpecifiedSource({ label, ...spec }).make),
    ),
  );
  const followers = await Promise.all(
    specs.map(({ label }) => following.context.resumeExistingStream(label)),
  );
  const texts = await Promise.all([...primaries, ...followers].map((stream) => readWhole(stream)));
  for (const [index, spec] of [...specs, ...specs].entries()) {
    expectSameText(texts[index] ?? "", sourceText(spec));
  }
  expect([...producing.errors, ...following.errors]).toEqual([]);
});

test("a listenerPool past the pooler: followers are notified", async () => {
  await using scene = await PostgresScene.open();
  await using pooler = await Pooler.start(scene.postgres.url);
  await using producing = behind(pooler.url);
  await using following = behind(pooler.url, scene.postgres.url);
  const source = manualSource();
  const primary = read(await producing.context.resumableStream("s", source.makeStream));
  const follower = read(await following.context.resumeExistingStream("s"));
  const listening = "select 1 from pg_stat_activity where query ilike 'listen%'";
  // A follower attaches without waiting for its ear.
  await until(async () => (await scene.query(listening)).length === 1, { what: "the listener" });
  source.push("some text");
  await within(5_000, "the follower", follower.reached(9));
  source.end();
  await expectClosed(follower, "some text");
  await expectClosed(primary, "some text");
});

test("the pooler is killed and started again: the original reader is untouched, followers have the whole text", async () => {
  await using scene = await PostgresScene.open();
  await using pooler = await Pooler.start(scene.postgres.url);
  await using producing = behind(pooler.url);
  await using following = behind(pooler.url);
  const source = manualSource();
  const primary = read(await producing.context.resumableStream("s", source.makeStream));
  const follower = read(await following.context.resumeExistingStream("s"));
  source.push("before ");
  await within(5_000, "the follower", follower.reached(7));
  await pooler.kill();
  source.push("without ");
  await within(500, "the original reader", primary.reached(15));
  await pooler.launch();
  source.push("after");
  await within(10_000, "the follower", follower.reached(20));
  source.end();
  await expectClosed(primary, "before without after");
  await expectClosed(follower, "before without after");
});
