// A process that was held up takes its own stall for nobody's silence.

import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { systemClock, withDeadline } from "../../src/lib/clock.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";

const late = (): Error => new Error("late");

function holdUp(forMs: number): void {
  const until = performance.now() + forMs;
  while (performance.now() < until);
}

test("an answer that lies in the socket when the deadline's timer comes late is an answer", async () => {
  const server = createServer((socket) =>
    socket.on("data", () => {
      socket.write("answer");
      server.emit("asked");
    }),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  const answer = withDeadline(systemClock, once(socket, "data"), { timeoutMs: 100, late });
  socket.write("question");
  // The server is of this process: it gets its turn, and the answer is on its way when the stall begins.
  await once(server, "asked");
  holdUp(600);
  expect(String((await answer)[0])).toBe("answer");
  socket.destroy();
  server.close();
});

test("without one it is late all the same, soon after", async () => {
  const startedAt = performance.now();
  const answer = withDeadline(systemClock, new Promise(() => undefined), { timeoutMs: 100, late });
  holdUp(600);
  await expect(answer).rejects.toThrow("late");
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test("a deadline that comes in time is kept", async () => {
  const startedAt = performance.now();
  await expect(
    withDeadline(systemClock, new Promise(() => undefined), { timeoutMs: 100, late }),
  ).rejects.toThrow("late");
  expect(performance.now() - startedAt).toBeLessThan(300);
});

describe("a side that answers in the order of what it is sent", () => {
  /** When a wait of 1 s ends. */
  async function lateAt(clock: ManualClock, answeredAt: () => number | undefined): Promise<number> {
    const never = new Promise<never>(() => undefined);
    let at = 0;
    const noteLate = (): Error => {
      at = clock.now();
      return new Error("late");
    };
    const answer = withDeadline(clock, never, { timeoutMs: 1_000, late: noteLate, answeredAt });
    clock.pass(20_000);
    await expect(answer).rejects.toThrow("late");
    return at;
  }

  test("is late a deadline after its last answer", async () => {
    const clock = manualClock();
    let answeredAt: number | undefined;
    clock.after(900, () => (answeredAt = clock.now()));
    expect(await lateAt(clock, () => answeredAt)).toBe(1_900);
  });

  test("that answered nothing since it was asked is late in time", async () => {
    const clock = manualClock();
    clock.pass(500);
    expect(await lateAt(clock, () => 300)).toBe(1_500);
    expect(await lateAt(clock, () => undefined)).toBe(21_500);
  });

  test("that answers others for ever is late after five deadlines", async () => {
    const clock = manualClock();
    expect(await lateAt(clock, () => clock.now())).toBe(5_000);
  });
});
