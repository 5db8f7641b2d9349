// One test's use of a transport, without an engine: transports that see the same streams, and producers that are scripted.

import type { TransportSettings } from "../../contexts/transport.ts";
import { Backlog } from "../../engine/backlog.ts";
import type {
  Claim,
  ClaimRequest,
  EndKind,
  Page,
  ProducerPort,
  ReadResult,
  Slice,
  Transport,
  WatchSignal,
} from "../../port/transport.ts";
import { fail, show } from "../assert.ts";
import { freshKeyPrefix } from "../contract.ts";
import { QUICK } from "../processes.ts";
import type { Opened } from "../runner.ts";
import type { TransportFactory } from "./backend.ts";

export interface TransportPort {
  createTransport: (settings?: Partial<TransportSettings>) => Transport;
}

export async function openTransportPort<Made extends Transport>(
  factory: TransportFactory<Made>,
): Promise<Opened<TransportPort>> {
  const backend = await factory();
  const transports: Transport[] = [];
  const common = { ...QUICK, keyPrefix: freshKeyPrefix(), retentionSeconds: 60, onError: () => undefined };
  return {
    subject: {
      createTransport: (settings) => {
        const transport = backend.createTransport({ ...common, ...settings });
        transports.push(transport);
        return transport;
      },
    },
    close: async () => {
      // A relay that closes waits for its producers' ends.
      await Promise.all(transports.map((transport) => transport.close()));
      await backend.dispose();
    },
  };
}

/** A producer as the engine is one to a transport, that does what the test says and remembers what it is told. */
export class ScriptedProducer implements ProducerPort {
  /** Reasons of stops. */
  readonly stops: (string | undefined)[] = [];
  fencedTimes = 0;
  readonly #backlog = new Backlog();
  #sent = 0;
  #claim: Claim | undefined;

  /** All it has produced. */
  get text(): string {
    return this.#backlog.read(0, Number.MAX_SAFE_INTEGER).text;
  }

  /** The epoch, or undefined if the claim isn't won. */
  async claim(
    transport: Transport,
    streamId: string,
    mode: ClaimRequest["mode"] = "if-free",
  ): Promise<number | undefined> {
    const result = await transport.claim(streamId, { mode, producer: this });
    if (result.status !== "won") return undefined;
    this.#claim = result.claim;
    return result.claim.epoch;
  }

  /** Produces text, and has it appended, as the engine does for a log always and for a relay while it is watched. */
  async append(text: string): Promise<void> {
    this.#backlog.append(text);
    this.#backlog.announce();
    await this.#claim?.append(() => this.#take());
  }

  async finish(end: EndKind, text = ""): Promise<void> {
    this.#backlog.append(text);
    this.#backlog.finish(end);
    await this.#claim?.finish(() => this.#take());
  }

  read(from: number, maxUnits: number): Slice {
    return this.#backlog.readPairs(from, maxUnits);
  }

  watched(): void {
    // A scripted producer appends when the test says.
  }

  stop(reason: string | undefined): void {
    this.stops.push(reason);
  }

  fenced(): void {
    this.fencedTimes += 1;
  }

  #take(): Slice {
    const slice = this.#backlog.read(this.#sent, Number.MAX_SAFE_INTEGER);
    this.#sent = slice.tail;
    return slice;
  }
}

/** A follower's ear, and reads through it. */
export interface Ear {
  signals: WatchSignal[];
  read: (request: { from?: number; maxUnits?: number; epoch?: number | undefined }) => Promise<ReadResult>;
  /** A read that has to give a page. */
  page: (request?: { from?: number; maxUnits?: number; epoch?: number | undefined }) => Promise<Page>;
  close: () => void;
}

export async function openEar(transport: Transport, streamId: string): Promise<Ear> {
  const signals: WatchSignal[] = [];
  const watch = transport.watch(streamId, (signal) => signals.push(signal));
  await watch.ready;
  const read: Ear["read"] = ({ from = 0, maxUnits = 100_000, epoch }) =>
    transport.read(streamId, { from, maxUnits, epoch });
  return {
    signals,
    read,
    page: async (request = {}) => {
      const result = await read(request);
      return result.status === "page" ? result.page : fail(`expected a page, got ${show(result)}`);
    },
    close: () => watch.close(),
  };
}
