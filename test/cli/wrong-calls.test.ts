// Calls that can't be carried out: what they exit with, and what they say of it.

import { expect, test } from "vitest";
import { run } from "./run.ts";

test.each([
  [["show"], {}, 2, "takes one stream id"],
  [["show", "a", "b"], {}, 2, "takes one stream id"],
  [["show", ""], {}, 2, "non-empty"],
  [["tail", "a", "--from", "-1"], {}, 2, "--from"],
  [["tail", "a", "--from=1.5"], {}, 2, "--from must be a whole number"],
  [["list"], {}, 2, "set REDIS_URL (or KV_URL) or POSTGRES_URL"],
  [["list"], { REDIS_URL: "redis://h", POSTGRES_URL: "postgres://h" }, 2, "Both Redis and Postgres are set"],
  [["list", "--url", "https://user:secret@host"], {}, 2, "--url must be a URL"],
  [["list", "--url", "redis://:secret%@127.0.0.1:1"], {}, 2, "percent-encode"],
  [["list", "--url", "redis://:a/secret@127.0.0.1:1"], {}, 2, "percent-encode"],
  [["doctor", "--url", "redis://u:6379#secret@127.0.0.1:1"], {}, 2, "percent-encode"],
  [["list", "--url", "redis://:secret%@127.0.0.1:1,redis://:secret%@h"], {}, 2, "percent-encode"],
  [["doctor", "--url", "postgres://u:5432/secret@127.0.0.1:1/d"], {}, 2, "percent-encode"],
  [["list", "--url", "redis://127.0.0.1:1/secret"], {}, 2, "number of a database"],
  [["list", "--url", "postgres://u:secret@/d?host=/no-socket"], {}, 1, "ENOENT"],
  [["list", "--url", "redis://:secret@127.0.0.1:1"], {}, 1, "ECONNREFUSED"],
  [["list"], { POSTGRES_URL: "postgres://u:secret@127.0.0.1:1/d" }, 1, "ECONNREFUSED"],
])("%j with %j exits with %i and says why, without a password", async (args, env, code, why) => {
  const outcome = await run(args, env);
  expect(outcome.stderr).toContain(why);
  expect(outcome.stderr).not.toContain("secret");
  expect([outcome.code, outcome.stdout]).toEqual([code, ""]);
});
