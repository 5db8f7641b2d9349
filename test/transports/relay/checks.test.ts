// One question to a producing context for all of its streams that another follows, in place of a read of each.

import { expect, test } from "vitest";
import { background } from "../../../src/lib/background.ts";
import type { Transport, WatchSignal } from "../../../src/port/transport.ts";
import type { PublishPort } from "../../../src/transports/relay/ports.ts";
import { parseFrame, parseRequest } from "../../../src/transports/relay/protocol.ts";
import { heapUsed } from "../../support/heap.ts";
import { LIVENESS_MS, Produced, type ProcessOptions, RelayScene, TextProducer } from "./scene.ts";

interface Sent {
  channel: string;
  message: string;
}

class Scene extends RelayScene {
  readonly sent: Sent[] = [];

  counted(options: Pick<ProcessOptions, "hears"> = {}): Transport {
    const port = (own: PublishPort): PublishPort => ({
      ...own,
      publish: (channel, message) => {
        this.sent.push({ channel, message });
        return own.publish(channel, message);
      },
    });
    return this.relay({ port, ...options });
  }

  async stream(relay: Transport, streamId: string): Promise<Produced> {
    this.clock.pass(1);
    const producer = new TextProducer("hello");
    const result = await relay.claim(streamId, { mode: "if-free", producer });
    if (result.status !== "won") throw new Error(`The claim was not won: it is ${result.status}.`);
    return new Produced(producer, result.claim);
  }

  /** Has a process follow a stream, and read what there is of it. */
  async follow(relay: Transport, streamId: string): Promise<WatchSignal[]> {
    const signals: WatchSignal[] = [];
    await relay.watch(streamId, (signal) => signals.push(signal)).ready;
    await this.within(1_000, relay.read(streamId, { from: 0, maxUnits: 100_000, epoch: undefined }));
    signals.length = 0;
    return signals;
  }

  get questions(): number {
    return this.sent.filter(({ message }) => parseRequest(message)?.type === "check").length;
  }
}

const isAnswer = (message: string): boolean => parseFrame(message)?.type === "checked";

test("100 idle streams that a context follows cost less than one message each in a minute", async () => {
  const scene = new Scene();
  const [producing, following] = [scene.counted(), scene.counted()];
  const heard: WatchSignal[][] = [];
  for (let n = 0; n < 100; n++) {
    await scene.stream(producing, `s${n}`);
    heard.push(await scene.follow(following, `s${n}`));
  }
  await scene.pass(LIVENESS_MS);
  scene.sent.length = 0;
  for (let passed = 0; passed < 60_000; passed += LIVENESS_MS) {
    for (const signals of heard) signals.length = 0;
    await scene.pass(LIVENESS_MS);
    // Nobody's reader had to ask: each was told that its producer lives.
    for (const signals of heard) expect(signals[0]).toMatchObject({ type: "page", page: { text: "" } });
  }
  expect(scene.sent.length).toBe(2 * scene.questions);
  expect(scene.questions).toBeLessThanOrEqual(60_000 / (0.75 * LIVENESS_MS) + 1);
});

test.each(["text", "end"] as const)(
  "a check tells of %s whose live frame was lost (G1, G4)",
  async (what) => {
    const scene = new Scene();
    let isDeaf = false;
    const [producing, following] = [
      scene.counted(),
      scene.counted({ hears: (channel) => !(isDeaf && channel.includes(":live:")) }),
    ];
    const produced = await scene.stream(producing, "chat");
    const { claim, epoch, producer } = produced;
    const signals = await scene.follow(following, "chat");
    isDeaf = true;
    producer.backlog.append(" world");
    producer.backlog.announce();
    await claim.append(() => producer.read(5, 100));
    if (what === "end") background(produced.finish("done"), () => undefined);
    await scene.pass(LIVENESS_MS);
    const page = { from: 11, text: "", tail: 11, epoch, ...(what === "end" && { end: "done" }) };
    expect(signals[0]).toEqual({ type: "page", page });
    // It has been told that, and is told once.
    signals.length = 0;
    await scene.pass(LIVENESS_MS);
    expect(signals).toContainEqual({ type: "page", page: { from: 0, text: "", tail: 0, epoch } });
  },
);

test("a stream that its producer no longer takes for followed is read again (G4)", async () => {
  const scene = new Scene();
  const [producing, following] = [scene.counted(), scene.counted()];
  await scene.stream(producing, "kept");
  await scene.stream(producing, "forgotten");
  const kept = await scene.follow(following, "kept");
  const forgotten = await scene.follow(following, "forgotten");
  const request = scene.sent
    .map(({ message }) => parseRequest(message))
    .find((each) => each?.type === "read");
  const listenerId = request?.type === "read" ? request.listenerId : "";
  const leave = JSON.stringify({ type: "leave", listenerId });
  await scene.bus.publishPort().publish(scene.names.request("forgotten"), leave);
  await scene.pass(LIVENESS_MS);
  expect(kept[0]).toMatchObject({ type: "page" });
  expect(forgotten[0]).toEqual({ type: "missed" });
});

test("a question whose answer is lost is asked again, in time", async () => {
  const scene = new Scene();
  let lost = 0;
  const hears = (_: string, message: string): boolean => !(isAnswer(message) && lost++ === 0);
  const [producing, following] = [scene.counted(), scene.counted({ hears })];
  await scene.stream(producing, "chat");
  const signals = await scene.follow(following, "chat");
  await scene.pass(LIVENESS_MS - 50);
  expect(signals[0]).toMatchObject({ type: "page" });
  expect(scene.questions).toBe(2);
});

test("a producer that doesn't answer is asked three times, and then left to the readers", async () => {
  const scene = new Scene();
  const [producing, following] = [
    scene.counted({ hears: (channel) => !channel.includes(":check:") }),
    scene.counted(),
  ];
  await scene.stream(producing, "chat");
  const signals = await scene.follow(following, "chat");
  await scene.pass(1.5 * LIVENESS_MS);
  expect(scene.questions).toBe(3);
  // Its producer would forget that somebody follows.
  await scene.pass(LIVENESS_MS);
  expect(signals[0]).toEqual({ type: "missed" });
});

test("a context that follows holds nothing of the replies that it was given (G9)", async () => {
  const scene = new RelayScene();
  const [producing, following] = [scene.relay(), scene.relay()];
  const [streams, units] = [100, 60_000];
  const ids = Array.from({ length: streams }, (_, n) => `s${n}`);
  const producers = await Promise.all(
    ids.map(async (id) => {
      const producer = new TextProducer(Buffer.alloc(units, `${id} `).toString("latin1"));
      return producing.claim(id, { mode: "if-free", producer });
    }),
  );
  const follow = async (id: string): Promise<void> => {
    await following.watch(id, () => undefined).ready;
    const read = following.read(id, { from: 0, maxUnits: units, epoch: undefined });
    expect(await scene.within(1_000, read)).toMatchObject({ page: { tail: units } });
  };
  const before = await heapUsed();
  for (const id of ids) await follow(id);
  const held = (await heapUsed()) - before;
  expect(producers).toHaveLength(streams);
  expect(held).toBeLessThan((streams * units) / 4);
});
