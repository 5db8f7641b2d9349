// Postgres and PgBouncer refuse to run as root.

import { existsSync, readFileSync } from "node:fs";

export interface User {
  uid: number;
  gid: number;
}

/** Whom to run a server as: the user Postgres' package made, or nobody. Undefined where we aren't root: as we are. */
export function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = existsSync("/etc/passwd") ? readFileSync("/etc/passwd", "utf8").split("\n") : [];
  for (const name of ["postgres", "nobody"]) {
    const fields = users.find((line) => line.startsWith(`${name}:`))?.split(":");
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error("This server doesn't run as root, and there is neither a user postgres nor a user nobody.");
}
