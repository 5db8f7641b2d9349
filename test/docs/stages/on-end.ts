// Stages of docs/on-end.md.

import { answer, type Stage } from "./stage.ts";

export const onEnd: Record<string, Stage> = {
  "docs/on-end.md: When a stream has ended: `onEnd`, block 1": {
    before: `${answer}
import { Pool } from "pg";
import { createPostgresResumableStreamContext, type OnEnd } from "resumable-stream/postgres";
const tables = new Pool({ connectionString: process.env["POSTGRES_URL"] });
await tables.query("create table answers (stream_id text, generation text, ending text, text text, primary key (stream_id, generation))");
`,
    after: `
const stream = await context.createNewResumableStream("chat-1", makeStream);
for await (const _ of stream ?? []);
const { rows } = await pool.query("select stream_id, ending, text from answers");
console.log(rows.length, rows[0].stream_id, rows[0].ending, rows[0].text === whole);
await context.close();
await Promise.all([pool.end(), tables.end()]);
`,
    prints: "1 chat-1 done true\n",
  },
};
