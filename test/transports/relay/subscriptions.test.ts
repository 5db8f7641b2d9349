import { expect, test } from "vitest";
import { createDeferred } from "../../../src/lib/deferred.ts";
import { Subscriptions } from "../../../src/transports/relay/subscriptions.ts";

test("a channel that is taken and left again while it is being given back is given back", async () => {
  const given = createDeferred<void>();
  const calls: string[] = [];
  const subscriptions = new Subscriptions({
    subscribe: async () => void calls.push("subscribe"),
    unsubscribe: async () => {
      calls.push("unsubscribe");
      await given.promise;
    },
    onReconnect: () => () => undefined,
  });
  const ignore = (): void => undefined;
  const first = subscriptions.subscribe("channel", ignore);
  await first.ready;
  // Two leave before the channel is given back; a third comes while it is, and leaves before its own is opened.
  const left = [first.release()];
  left.push(subscriptions.subscribe("channel", ignore).release());
  await Promise.resolve();
  await Promise.resolve();
  left.push(subscriptions.subscribe("channel", ignore).release());
  given.resolve();
  await Promise.all(left);
  expect(calls.filter((call) => call === "subscribe")).toHaveLength(
    calls.filter((call) => call === "unsubscribe").length,
  );
  expect(calls.at(-1)).toBe("unsubscribe");
});
