// Contexts over a transport: as they are, and over one that a test can cut.

import { type CreateTransport, createTransportContext } from "../../contexts/transport.ts";
import { type ContractFactory, freshKeyPrefix } from "../contract.ts";
import type { Transport } from "../../port/transport.ts";
import { Dice } from "../dice.ts";
import { BADLY } from "../mistreat.ts";
import { type FaultyWorld, Processes } from "../processes.ts";
import type { Opened } from "../runner.ts";
import type { TransportFactory } from "./backend.ts";
import { createFaultyTransport, type FaultyTransport } from "./faulty-transport.ts";

/** The promises of contexts, over this transport. */
export function contractOver<Made extends Transport>(factory: TransportFactory<Made>): ContractFactory {
  return async () => {
    const backend = await factory();
    const keyPrefix = freshKeyPrefix();
    let keepsText = false;
    return {
      // As its transports say of themselves, once there is one.
      get keepsText() {
        return keepsText;
      },
      createContext: async (options) => {
        const transport: CreateTransport = (settings) => {
          const created = backend.createTransport(settings);
          keepsText = created.keepsText;
          return created;
        };
        return createTransportContext({ keyPrefix, ...options, transport });
      },
      dispose: async () => backend.dispose(),
    };
  };
}

export async function openTransportWorld<Made extends Transport>(
  factory: TransportFactory<Made>,
  seed: number,
): Promise<Opened<FaultyWorld>> {
  const backend = await factory();
  const keyPrefix = freshKeyPrefix();
  const processes = new Processes();
  let count = 0;
  let keepsText = false;
  return {
    subject: {
      seed,
      get keepsText() {
        return keepsText;
      },
      createProcess: async (delivery = "well") => {
        const dice = new Dice(seed, count++);
        const mistreatment = delivery === "badly" ? { ...BADLY, dice } : undefined;
        return processes.add(delivery, (options) => {
          let faulty: FaultyTransport | undefined;
          const context = createTransportContext({
            ...options,
            keyPrefix,
            transport: (settings) => {
              const inner = backend.createTransport(settings);
              keepsText = inner.keepsText;
              const timeoutMs = settings.ackTimeoutMs;
              faulty = createFaultyTransport(inner, { timeoutMs, mistreatment, backend });
              return faulty.transport;
            },
          });
          return {
            context,
            cut: (losing) => faulty?.cut(losing),
            mend: () => faulty?.mend(),
            reject: (state) => faulty?.reject(state),
            kill: () => faulty?.kill(),
          };
        });
      },
    },
    close: async () => {
      await processes.close();
      await backend.dispose();
    },
  };
}
