// A producer that has more to send than its line to the server carries.

import { expect, test } from "vitest";
import { Follower } from "../../../src/engine/follower.ts";
import { sleep } from "../../../src/lib/clock.ts";
import { createDeferred } from "../../../src/lib/deferred.ts";
import { read, turns } from "../../../src/testing/reading.ts";
import type { PublishPort } from "../../../src/transports/relay/ports.ts";
import { encodeRequest, parseFrame } from "../../../src/transports/relay/protocol.ts";
import type { Transport } from "../../../src/port/transport.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import { LIVENESS_MS, type Produced, RelayScene } from "./scene.ts";

/** What a producer has on its way to the server at most, in code units, beside a header for each that asks. */
const MAX_ON_ITS_WAY_UNITS = 1_100_000;

/** What is between a publisher and its server. */
interface Line {
  to: (port: PublishPort) => PublishPort;
}

/** Carries messages one after the other, at so many code units a millisecond. */
class ThinLine implements Line {
  carriedUnits = 0;
  /** The most that was on its way at a time. */
  mostUnits = 0;
  readonly #clock: ManualClock;
  readonly #unitsPerMs: number;
  /** When what is on its way has arrived. */
  #freeAt = 0;
  #onItsWayUnits = 0;

  constructor(clock: ManualClock, unitsPerMs: number) {
    this.#clock = clock;
    this.#unitsPerMs = unitsPerMs;
  }

  to(port: PublishPort): PublishPort {
    return { ...port, publish: (channel, message) => this.#publish(port, { channel, message }) };
  }

  async #publish(
    port: PublishPort,
    { channel, message }: { channel: string; message: string },
  ): Promise<number | undefined> {
    const now = this.#clock.now();
    this.#freeAt = Math.max(this.#freeAt, now) + message.length / this.#unitsPerMs;
    this.#onItsWayUnits += message.length;
    this.mostUnits = Math.max(this.mostUnits, this.#onItsWayUnits);
    await sleep(this.#clock, this.#freeAt - now);
    this.#onItsWayUnits -= message.length;
    this.carriedUnits += message.length;
    return port.publish(channel, message);
  }
}

/** Holds pages back until it is opened; short messages pass. */
class Gate implements Line {
  readonly #opened = createDeferred<void>();

  to(port: PublishPort): PublishPort {
    return {
      ...port,
      publish: async (channel, message) => {
        if (message.length > 1_000) await this.#opened.promise;
        return port.publish(channel, message);
      },
    };
  }

  open(): void {
    this.#opened.resolve();
  }
}

function produceBehind(scene: RelayScene, { text, line }: { text: string; line: Line }): Promise<Produced> {
  return scene.produce(scene.relay({ port: (port) => line.to(port) }), { text });
}

async function follow(scene: RelayScene, transport: Transport): Promise<ReadableStream<string>> {
  const follower = new Follower({
    transport,
    streamId: "chat",
    from: 0,
    livenessMs: LIVENESS_MS,
    clock: scene.clock,
    onEnded: () => undefined,
    onClosed: () => undefined,
  });
  await follower.attach();
  return follower.stream;
}

test("a crowd that asks for more than the line carries gets it all, and takes nobody for dead (G1, G4)", async () => {
  const scene = new RelayScene();
  const line = new ThinLine(scene.clock, 12_500);
  const text = "x".repeat(600_000);
  const { producer } = await produceBehind(scene, { text, line });
  producer.backlog.finish("done");
  const crowd = Array.from({ length: 50 }, async () => {
    const { kind, text: received } = await read(await follow(scene, scene.relay())).ended;
    return { kind, units: received.length };
  });
  const ends = await scene.within(60_000, Promise.allSettled(crowd));
  expect(producer.isFenced).toBe(false);
  const whole = { kind: "closed", units: text.length };
  expect(ends).toEqual(crowd.map(() => ({ status: "fulfilled", value: whole })));
});

test("what has to wait for its turn is told so at once, and gets it in order (G4)", async () => {
  const scene = new RelayScene();
  const gate = new Gate();
  await produceBehind(scene, { text: "x".repeat(500_000), line: gate });
  const heard: { requestId: number | undefined; units: number; isLast: boolean }[] = [];
  await scene.bus.subscribePort().subscribe(scene.names.inbox("follower"), (message) => {
    const frame = parseFrame(message);
    if (frame?.type !== "page") throw new Error("A producer answers in pages.");
    heard.push({ requestId: frame.requestId, units: frame.page.text.length, isLast: frame.isLast });
  });
  const server = scene.bus.publishPort();
  for (const requestId of [1, 2, 3, 4, 5]) {
    const wanted = { from: 0, maxUnits: 500_000, epoch: undefined };
    const request = { type: "read", requestId, ...wanted, listenerId: "follower", keepMs: 60_000 } as const;
    await server.publish(scene.names.request("chat"), encodeRequest(request));
  }
  await turns(2);
  // Two are a million characters, which is what may be on its way.
  expect(heard).toEqual([3, 4, 5].map((requestId) => ({ requestId, units: 0, isLast: false })));
  gate.open();
  await turns(2);
  expect(heard.filter(({ isLast }) => isLast).map(({ requestId }) => requestId)).toEqual([1, 2, 3, 4, 5]);
});

test("what is asked for again while it is on its way isn't sent twice (G9)", async () => {
  const scene = new RelayScene();
  const line = new ThinLine(scene.clock, 100);
  const text = "x".repeat(80_000);
  const { epoch } = await produceBehind(scene, { text, line });
  const relay = await scene.followingRelay();
  const result = await scene.within(5_000, relay.read("chat", { from: 0, maxUnits: text.length, epoch }));
  expect(result).toMatchObject({ status: "page", page: { from: 0, tail: text.length } });
  await scene.pass(5_000);
  expect(line.carriedUnits).toBeLessThan(1.5 * text.length);
});

test("however much is asked for at once, about a million characters are on their way (G9)", async () => {
  const scene = new RelayScene();
  const line = new ThinLine(scene.clock, 50_000);
  const text = "x".repeat(500_000);
  const { epoch } = await produceBehind(scene, { text, line });
  const relays = await Promise.all(Array.from({ length: 10 }, () => scene.followingRelay()));
  const reads = relays.map((relay) => relay.read("chat", { from: 0, maxUnits: text.length, epoch }));
  const results = await scene.within(5_000, Promise.all(reads));
  expect(results.map((result) => result.status)).toEqual(relays.map(() => "page"));
  expect(line.mostUnits).toBeLessThan(MAX_ON_ITS_WAY_UNITS);
});
