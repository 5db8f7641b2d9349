import { expect, test } from "vitest";
import { attachWeakly } from "../../src/lib/attachment.ts";
import { heapUsed } from "../support/heap.ts";
import { until } from "../support/wait.ts";

class Client {
  readonly listeners = new Set<() => void>();
  /** As by a subscription. */
  reaches: object | undefined;

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(): void {
    for (const listener of this.listeners) listener();
  }
}

class Owner {
  told = 0;
  readonly close: () => void;

  constructor(client: Client) {
    this.close = attachWeakly<Owner>(this, (tell) => [client.listen(() => tell((owner) => owner.hear()))]);
  }

  hear(): void {
    this.told += 1;
  }
}

test("an owner hears until it is closed", () => {
  const client = new Client();
  const owner = new Owner(client);
  client.tell();
  owner.close();
  client.tell();
  expect(owner.told).toBe(1);
  expect(client.listeners.size).toBe(0);
});

test("an owner that was dropped is collected, and detached from the client", async () => {
  const client = new Client();
  for (let n = 0; n < 10; n++) new Owner(client);
  expect(client.listeners.size).toBe(10);
  const detached = async (): Promise<boolean> => (await heapUsed(), client.listeners.size === 0);
  await until(detached, { what: "the listeners to go" });
});

test("an owner that its client reaches hears, and goes with the client", async () => {
  let client: Client | undefined = new Client();
  const owner = new WeakRef(new Owner(client));
  client.reaches = owner.deref();
  await heapUsed();
  client.tell();
  expect(owner.deref()?.told).toBe(1);
  client = undefined;
  const collected = async (): Promise<boolean> => (await heapUsed(), owner.deref() === undefined);
  await until(collected, { what: "both to be collected" });
});
