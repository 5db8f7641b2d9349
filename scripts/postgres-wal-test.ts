// Streams, kills Postgres hard in the middle, starts it again, and proves that nothing that was reported as written is
// missing. Over the compose service where Docker runs, over a private server otherwise, or with --private.

import { isDockerRunning, openComposeServer } from "./wal/compose-server.ts";
import { openPrivateServer } from "./wal/private-server.ts";
import { runWalTest } from "./wal/run.ts";

const isPrivate = process.argv.includes("--private") || !isDockerRunning();
const server = isPrivate ? await openPrivateServer() : await openComposeServer();
try {
  const { reported, kept, streams } = await runWalTest(server);
  console.log(
    `${isPrivate ? "A private server" : "The compose service"} was killed under ${streams} streams. ` +
      `Reported as written: ${reported} characters. Kept: ${kept}. Nothing is missing.`,
  );
} finally {
  await server.close();
}
