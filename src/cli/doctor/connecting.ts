// Why a connection could not be made, and what to do.

import { describeError } from "../print.ts";
import { describeTarget, type Target } from "../target.ts";
import type { Finding } from "./check.ts";

const ADVICE: readonly [pattern: RegExp, advice: string][] = [
  [/ECONNREFUSED/, "Start the server, or correct the host and port of the URL."],
  [/ENOTFOUND|EAI_AGAIN/, "Correct the host of the URL, or check this machine's DNS."],
  [
    /NOAUTH|WRONGPASS|authentication|password|28P01|28000/i,
    "Correct the user and password of the URL; percent-encode special characters in them.",
  ],
  [
    /certificate|SSL|TLS|wrong version number/i,
    "Use rediss:// (Redis) or ?sslmode=require (Postgres) where the server wants TLS, the plain form where it doesn't, and trust its certificate by NODE_EXTRA_CA_CERTS.",
  ],
  [
    /cluster support disabled/,
    "Name this server alone, without a comma in or behind its URL: it belongs to no cluster.",
  ],
  [/does not exist|3D000/, "Create the database, or correct its name in the URL."],
  [
    /too many clients|max number of clients|53300/i,
    "Close connections, raise the server's limit, or share clients between contexts.",
  ],
  [
    /timeout|no answer|ETIMEDOUT|closed|ECONNRESET/i,
    "Check firewalls and security groups between this machine and the server, and whether it wants TLS.",
  ],
];

export function cannotConnect(target: Target, error: unknown): Finding {
  const text = `${describeError(error)} ${codeOf(error)}`;
  const advice = ADVICE.find(([pattern]) => pattern.test(text))?.[1];
  return {
    check: "connect",
    status: "failed",
    found: `${describeTarget(target)} can't be reached: ${describeError(error)}`,
    advice: advice ?? "Check that the server runs, and that this machine reaches it.",
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
