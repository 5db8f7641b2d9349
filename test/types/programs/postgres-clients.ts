// The clients of Postgres that users pass.

import { PGlite } from "@electric-sql/pglite";
import { Pool } from "pg";
import { createPostgresResumableStreamContext as createDefault } from "resumable-stream";
import { createPgliteResumableStreamContext } from "resumable-stream/pglite";
import { createPostgresResumableStreamContext } from "resumable-stream/postgres";

const pool = new Pool({ connectionString: "postgres://localhost/app" });
createPostgresResumableStreamContext({ pool, listenerPool: new Pool(), waitUntil: null });
createDefault({ pool, waitUntil: null });
createPgliteResumableStreamContext({ pglite: new PGlite(), waitUntil: null });

// @ts-expect-error -- a connection string isn't a pool.
createPostgresResumableStreamContext({ pool: "postgres://localhost/app", waitUntil: null });
