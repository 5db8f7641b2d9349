/** A Postgres that can be killed hard and started again. */
export interface WalServer {
  url: string;
  kill: () => Promise<void>;
  launch: () => Promise<void>;
  close: () => Promise<void>;
}
