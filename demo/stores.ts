// Where a stream's text is kept, and what each kind of place means for a kill.

export type Store = "pglite" | "memory" | "redis" | "postgres";

interface StoreTraits {
  /** As people call it. */
  name: string;
  /** A text outlives the process that produces it. */
  keepsText: boolean;
  /** What the count of its cost counts; absent where nothing is asked of a server. */
  counted?: string;
}

export const traits: Record<Store, StoreTraits> = {
  pglite: { name: "PGlite, in a folder", keepsText: true },
  memory: { name: "memory", keepsText: false },
  redis: { name: "Redis", keepsText: false, counted: "Redis commands" },
  postgres: { name: "Postgres", keepsText: true, counted: "SQL statements" },
};

/** The stores that can be had here; the first is the page's own choice. */
export function storesOf(env: NodeJS.ProcessEnv): Store[] {
  const servers: Store[] = [];
  if (env["REDIS_URL"]) servers.push("redis");
  if (env["POSTGRES_URL"]) servers.push("postgres");
  return servers.length > 0 ? servers : ["pglite", "memory"];
}
