// Processes with a relay each over one server, and the time that passes between them in the test's hands.

import { expect } from "vitest";
import { Backlog } from "../../../src/engine/backlog.ts";
import { background } from "../../../src/lib/background.ts";
import { systemRandom } from "../../../src/lib/random.ts";
import { turns } from "../../../src/testing/reading.ts";
import type { PublishPort } from "../../../src/transports/relay/ports.ts";
import { MemoryBus } from "../../../src/transports/memory/memory-bus.ts";
import { memoryConnection } from "../../../src/transports/memory/memory-connection.ts";
import { createNames } from "../../../src/transports/relay/protocol.ts";
import { relayTransport } from "../../../src/transports/relay/relay.ts";
import { Subscriptions } from "../../../src/transports/relay/subscriptions.ts";
import type {
  Claim,
  ClaimRequest,
  EndKind,
  ProducerPort,
  Slice,
  Transport,
} from "../../../src/port/transport.ts";
import { manualClock } from "../../support/manual-clock.ts";

export const ACK_TIMEOUT_MS = 1_000;
export const LIVENESS_MS = 3_000;
const CLAIM_TIMEOUT_MS = 3_000;
/** Time passes in steps of this, with turns between. */
const STEP_MS = 50;
/** The day that the manual clock starts: epochs count from 2020. */
const STARTED_AT = Date.UTC(2026, 0, 1);

export interface ProcessOptions {
  /** How far its clock runs ahead of the others. */
  aheadMs?: number;
  /** What its publisher's calls go through. */
  port?: (port: PublishPort) => PublishPort;
  /** Whether a message reaches it. */
  hears?: (channel: string, message: string) => boolean;
}

export class RelayScene {
  readonly bus = new MemoryBus();
  readonly clock = manualClock();
  readonly names = createNames("test");

  /** The relay of a process of its own. */
  relay({ aheadMs = 0, port = (own) => own, hears = () => true }: ProcessOptions = {}): Transport {
    const ears = this.bus.subscribePort();
    const subscriptions = new Subscriptions({
      ...ears,
      subscribe: (channel, onMessage) =>
        ears.subscribe(channel, (message) => {
          if (hears(channel, message)) onMessage(message);
        }),
    });
    return relayTransport({
      connection: {
        ...memoryConnection(this.bus),
        publishPort: port(this.bus.publishPort()),
        subscriptions,
      },
      keyPrefix: "test",
      settings: {
        retentionSeconds: 60,
        ackTimeoutMs: ACK_TIMEOUT_MS,
        livenessMs: LIVENESS_MS,
        lingerMs: 5_000,
      },
      claimTimeoutMs: CLAIM_TIMEOUT_MS,
      clock: { ...this.clock, wallTime: () => STARTED_AT + aheadMs + this.clock.now() },
      random: systemRandom,
      onError: () => undefined,
    });
  }

  /** The relay of a process that follows "chat". */
  async followingRelay(options?: ProcessOptions): Promise<Transport> {
    const relay = this.relay(options);
    await relay.watch("chat", () => undefined).ready;
    return relay;
  }

  /** Has a process produce "chat". */
  async produce(
    relay: Transport,
    { text, mode = "if-free" }: { text: string; mode?: ClaimRequest["mode"] },
  ): Promise<Produced> {
    // A later claim has the higher epoch, where the clocks agree.
    this.clock.pass(1);
    const producer = new TextProducer(text);
    const result = await relay.claim("chat", { mode, producer });
    if (result.status !== "won") throw new Error(`The claim was not won: it is ${result.status}.`);
    await turns(2);
    return new Produced(producer, result.claim);
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      this.clock.pass(STEP_MS);
      await turns(2);
    }
  }

  /** What the promise comes to while time passes, so much at most. */
  async within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => {
      isSettled = true;
    });
    background(settled, () => undefined);
    await turns(2);
    for (let passed = 0; !isSettled && passed < limitMs; passed += STEP_MS) await this.pass(STEP_MS);
    if (!isSettled) expect.fail(`nothing came within ${limitMs} ms`);
    return settled;
  }
}

/** A producer and its claim. */
export class Produced {
  readonly producer: TextProducer;
  readonly claim: Claim;

  constructor(producer: TextProducer, claim: Claim) {
    this.producer = producer;
    this.claim = claim;
  }

  get epoch(): number {
    return this.claim.epoch;
  }

  /** The source has ended. Settles once the claim lets go of everything. */
  finish(end: EndKind): Promise<void> {
    this.producer.backlog.finish(end);
    return this.claim.finish(() => this.producer.read(this.producer.backlog.tail, 0));
  }
}

/** Has its text, and tells what became of it. */
export class TextProducer implements ProducerPort {
  readonly backlog = new Backlog();
  isFenced = false;

  constructor(text: string) {
    this.backlog.append(text);
    this.backlog.announce();
  }

  get isStopped(): boolean {
    return this.backlog.end === "stopped";
  }

  read(from: number, maxUnits: number): Slice {
    return this.backlog.readPairs(from, maxUnits);
  }

  watched(): void {}

  stop(): void {
    if (this.backlog.end === undefined) this.backlog.finish("stopped");
  }

  fenced(): void {
    this.isFenced = true;
  }
}
