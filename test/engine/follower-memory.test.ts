// What a follower holds once its reader has taken the text (G9).

import { expect, test } from "vitest";
import { Follower } from "../../src/engine/follower.ts";
import type { Transport } from "../../src/port/transport.ts";
import { heapUsed } from "../support/heap.ts";
import { manualClock } from "../support/manual-clock.ts";

const FOLLOWERS = 100;
const PAGE_UNITS = 60_000;

const uncalled = (): Promise<never> => Promise.reject(new Error("not part of this"));

/** Each answers its first read with a page of text that is nobody else's. */
const transport: Transport = {
  keepsText: false,
  claim: uncalled,
  status: uncalled,
  stop: uncalled,
  close: uncalled,
  peek: async () => ({ status: "running", epoch: 1 }),
  watch: () => ({ ready: Promise.resolve(), close: () => undefined }),
  read: async () => {
    const text = Buffer.alloc(PAGE_UNITS, "text ").toString("latin1");
    return { status: "page", page: { epoch: 1, from: 0, text, tail: PAGE_UNITS } };
  },
};

test("a follower that goes on holds nothing of the page that it began with", async () => {
  const open = async (): Promise<unknown> => {
    const follower = new Follower({
      transport,
      streamId: "chat",
      from: 0,
      livenessMs: 3_000,
      clock: manualClock(),
      onEnded: () => undefined,
      onClosed: () => undefined,
    });
    await follower.attach();
    const reader = follower.stream.getReader();
    expect((await reader.read()).value).toHaveLength(PAGE_UNITS);
    return follower;
  };
  const warm = await open();
  const before = await heapUsed();
  const followers = [warm];
  for (let index = 0; index < FOLLOWERS; index += 1) followers.push(await open());
  const held = (await heapUsed()) - before;
  expect(followers).toHaveLength(FOLLOWERS + 1);
  expect(held).toBeLessThan((FOLLOWERS * PAGE_UNITS) / 4);
});
