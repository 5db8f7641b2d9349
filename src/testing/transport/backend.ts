// What the suite for a transport is run over.

import type { TransportSettings } from "../../contexts/transport.ts";
import type { Transport } from "../../port/transport.ts";
import type { Losing } from "../processes.ts";

/** A backend, or what stands for one, for one test. */
export interface TransportBackend<Made extends Transport = Transport> {
  /** Each call is one process: a transport with connections of its own to the same backend. */
  createTransport: (settings: TransportSettings) => Made;
  /**
   * Ends a transport as a crash ends its process: no timer, no connection, no last word. @defaultValue its `close`, where
   * nothing is under way that it would wait for
   */
  kill?: (transport: Made) => void;
  /**
   * Cuts a transport off from its backend, as a network does: statements under way and later ones get no answer. Where
   * `losing` is `"answers"`, they are carried out all the same. Returns how to mend it. With it the faults reach your own
   * deadlines and repeats. @defaultValue calls are held up between the engine and the transport
   */
  cut?: (transport: Made, losing: Losing) => () => void;
  /** Called last: closes what was made. */
  dispose: () => void | Promise<void>;
}

/** Called once a test. Each test has a key prefix of its own, so that tests may share a backend. */
export type TransportFactory<Made extends Transport = Transport> = () =>
  | TransportBackend<Made>
  | Promise<TransportBackend<Made>>;
