// Stages of docs/transports. Those of Postgres have a database of their own, with the tables set up.

import { answer, type Stage } from "./stage.ts";

/** The document's first block without what only it shows. */
const postgres = `${answer}
import { Pool } from "pg";
import { createPostgresResumableStreamContext } from "resumable-stream/postgres";
const pool = new Pool({ connectionString: process.env["POSTGRES_URL"] });
const context = createPostgresResumableStreamContext({ pool, waitUntil: null });
`;

const text = `
async function textOf(stream: ReadableStream<string> | null | undefined): Promise<string> {
  let read = "";
  for await (const piece of stream ?? []) read += piece;
  return read;
}
`;

export const transports: Record<string, Stage> = {
  "docs/transports/memory.md: Memory, block 1": {
    after: 'console.log(await context.hasExistingStream("chat-1"));\n',
    prints: "null\n",
  },
  "docs/transports/redis.md: Two ways over Redis, block 1": {
    before: `${answer}
import { createResumableStreamContext } from "resumable-stream";
`,
    after: `${text}
console.log((await textOf(stream)) === whole, await textOf(again));
console.log((await textOf(await context.resumeExistingStream("chat-1"))) === whole);
await context.close();
`,
    // It has fewer than 120 characters. It can be read again.
    prints: "true \ntrue\n",
  },
  "docs/transports/postgres.md: From nothing to a resumed stream, block 1": {
    before: answer,
    after: `${text}
console.log((await textOf(stream)) === whole, await textOf(again));
await context.close();
await pool.end();
`,
    // It has fewer than 120 characters.
    prints: "true \n",
  },
  "docs/transports/postgres.md: A stream that failed, block 1": {
    before: `${postgres}${text}
const failing = await context.resumableStream("chat-1", () => {
  const source = makeStream().getReader();
  return new ReadableStream({
    async pull(controller) {
      const { value = "" } = await source.read();
      controller.enqueue(value);
      if (value.includes("\\n\\n")) throw new Error("The model is away.");
    },
  });
});
await textOf(failing).catch((error: unknown) => console.log((error as { code: unknown }).code));
while ((await context.hasExistingStream("chat-1")) === true) await sleep(20);
`,
    after: `
console.log(await context.hasExistingStream("chat-1"));
await context.close();
await pool.end();
`,
    // It runs anew.
    prints: "SOURCE_FAILED\ntrue\n",
  },
  "docs/transports/postgres.md: Replay, block 1": {
    before: `${answer}${text}
import { Pool } from "pg";
import { createPostgresResumableStreamContext } from "resumable-stream/postgres";
const pool = new Pool({ connectionString: process.env["POSTGRES_URL"] });
const before = createPostgresResumableStreamContext({ pool, waitUntil: null });
await textOf(await before.createNewResumableStream("chat-1", makeStream));
`,
    after: `
console.log((await textOf(again)) === whole, JSON.stringify(await textOf(rest)));
console.log(await before.resumeExistingStream("chat-1"));
await Promise.all([context.close(), before.close()]);
await pool.end();
`,
    // It has fewer than 120 characters.
    prints: 'true ""\nnull\n',
  },
  "docs/transports/postgres.md: Without a server, block 1": {
    before: answer,
    after: `${text}
console.log((await textOf(await context.resumableStream("chat-1", makeStream))) === whole);
await context.close();
`,
    prints: "true\n",
  },
};
