// The methods that we call of a pool of connections: `pg`'s Pool 8.x, or anything with these methods.

/** A connection taken from a pool. */
export interface PostgresClient {
  /** Runs one statement. Rows are objects, as `pg` gives them. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Gives it back; with `true` it is closed instead. */
  release(destroy?: boolean): void;
  /** Listens to `notification`, `error` and `end`. Without it, followers poll. */
  on?(event: string, listener: (...args: unknown[]) => void): unknown;
  /** Ends what `on` began. */
  removeListener?(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** `pg`'s Pool, or anything with these methods. */
export interface PostgresPool {
  /** Runs one statement on any connection. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Lends a connection. */
  connect(): Promise<PostgresClient>;
  /** Listens to `error`: connections that break while they are idle. */
  on?(event: string, listener: (...args: unknown[]) => void): unknown;
  /** `max` is how many connections there may be. Of a single one, none is taken to listen. */
  options?: { max?: number | undefined };
  /** How many connections wait for use: each may turn out to be broken. */
  readonly idleCount?: number;
}
