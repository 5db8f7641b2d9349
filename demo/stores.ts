// Where a stream's text is kept, and what each kind of place means for a kill.

export type Store = "pglite" | "memory" | "redis" | "redis-kept" | "postgres";

interface StoreTraits {
  /** As people call it. */
  name: string;
  /** A text outlives the process that produces it. */
  keepsText: boolean;
  /** Its server, and what the count of its cost counts; absent if no server is asked. */
  counted?: { server: "redis" | "postgres"; name: string };
}

const redis = { server: "redis", name: "Redis commands" } as const;

export const traits: Record<Store, StoreTraits> = {
  pglite: { name: "PGlite, in a folder", keepsText: true },
  memory: { name: "memory", keepsText: false },
  redis: { name: "Redis", keepsText: false, counted: redis },
  "redis-kept": { name: "Redis that keeps the text", keepsText: true, counted: redis },
  postgres: {
    name: "Postgres",
    keepsText: true,
    counted: { server: "postgres", name: "SQL statements" },
  },
};

/** The front's answer to the page, which asks twice a second. */
export interface Status {
  servers: {
    /** Absent while it is being replaced. */
    pid: number | undefined;
    produces: boolean;
  }[];
  /** How many characters the source has said. */
  said: number;
  /** How many it will have said at its end. */
  total: number;
  /** SHA-256 of the source's text, cut at each length that was asked for; absent if it hasn't come so far. */
  hashes: (string | undefined)[];
  /** Commands and statements that servers were asked for this answer. */
  cost: { redis: number; postgres: number; published: number };
}

/** The stores that can be had here; the first is the page's own choice. */
export function storesOf(env: NodeJS.ProcessEnv): Store[] {
  const servers: Store[] = [];
  if (env["REDIS_URL"]) servers.push("redis", "redis-kept");
  if (env["POSTGRES_URL"]) servers.push("postgres");
  return servers.length > 0 ? servers : ["pglite", "memory"];
}
