// What is asked of messages: everybody's, whole, once, in order, and only while subscribed.

import { deepEqual, equal, expectSameText, fail } from "../assert.ts";
import { IDS } from "../promises/text.ts";
import { until } from "../reading.ts";
import { section, type Section } from "../section.ts";
import type { PubSubPair } from "./pair.ts";
import type { PubSubPort } from "./port.ts";

/** UTF-8 of this size is the largest message there is. */
const MAX_MESSAGE_BYTES = 262_144;

const MESSAGES: [string, string][] = [
  ["ASCII", '{"type":"read"}\nline two\r\n'],
  ["characters of one to four bytes", "aé€😀\u{10ffff}e\u0301"],
  ["control characters, NUL too", "a\0b\0\u0001\u001f\u007f\u2028"],
  ["a byte order mark and non-characters", "\ufefftext\uffff\ufffe\ufeff"],
  ["quotes, backslashes and percent signs", "\"'`\\ \\u0000 %s %00 ${x}"],
  ["spaces and line ends at both ends", " \n text \n "],
  ["a number", "42"],
];

export const deliveryPromises: Section<PubSubPort> = section("messages", (promise) => {
  promise("a message reaches every subscriber of its channel once, and nobody else", async (port) => {
    const [mine, other] = [port.name("channel"), port.name("channel")];
    const publisher = await port.createPair();
    const subscribers = await Promise.all([1, 2, 3].map(() => port.createPair()));
    const heard = await Promise.all(subscribers.map((pair) => listen(pair, mine)));
    const elsewhere = await listen(await port.createPair(), other);
    await publisher.publisher.publish(mine, "one");
    await publisher.publisher.publish(other, "for others");
    await publisher.publisher.publish(mine, "two");
    for (const messages of heard) await arrives(() => equal(messages.at(-1), "two"));
    await arrives(() => equal(elsewhere.at(-1), "for others"));
    // A message that comes twice or astray comes before the ones sent after it.
    await publisher.publisher.publish(mine, "last");
    await publisher.publisher.publish(other, "last");
    for (const messages of heard) await arrives(() => equal(messages.at(-1), "last"));
    await arrives(() => equal(elsewhere.at(-1), "last"));
    for (const messages of heard) deepEqual(messages, ["one", "two", "last"]);
    deepEqual(elsewhere, ["for others", "last"]);
  });

  promise("a process hears its own messages", async (port) => {
    const channel = port.name("channel");
    const pair = await port.createPair();
    const messages = await listen(pair, channel);
    await pair.publisher.publish(channel, "to myself");
    await arrives(() => deepEqual(messages, ["to myself"]));
  });

  for (const [what, message] of MESSAGES) {
    promise(`${what} arrive unchanged`, async (port) => {
      const channel = port.name("channel");
      const [from, to] = [await port.createPair(), await port.createPair()];
      const messages = await listen(to, channel);
      await from.publisher.publish(channel, message);
      await arrives(() => equal(messages.length, 1));
      expectSameText(messages[0] ?? "", message);
    });
  }

  promise("a message of 256 KiB arrives whole, whatever the size of its characters", async (port) => {
    const channel = port.name("channel");
    const [from, to] = [await port.createPair(), await port.createPair()];
    const messages = await listen(to, channel);
    for (const [character, bytes] of [
      ["x", 1],
      ["é", 2],
      ["€", 3],
      ["😀", 4],
    ] as const) {
      const message = character.repeat(Math.floor(MAX_MESSAGE_BYTES / bytes));
      await from.publisher.publish(channel, message);
      await arrives(() => equal(messages.length, 1));
      expectSameText(messages.pop() ?? "", message);
    }
  });

  for (const [what, name] of IDS) {
    promise(`a channel's name may have ${what}`, async (port) => {
      const channels = [
        `${port.name("a")}:${name}`,
        `${port.name("b")}:${name}`,
        `${port.name("a")}:${name}.`,
      ];
      const [from, to] = [await port.createPair(), await port.createPair()];
      const heard = await Promise.all(channels.map((channel) => listen(to, channel)));
      for (const [number, channel] of channels.entries()) await from.publisher.publish(channel, `${number}`);
      for (const [number, messages] of heard.entries()) {
        await arrives(() => deepEqual(messages, [`${number}`]));
      }
    });
  }

  promise(
    "messages of one publisher arrive in the order they were sent, and all of a burst do",
    async (port) => {
      const channel = port.name("channel");
      const from = await port.createPair();
      const heard = await Promise.all([1, 2].map(async () => listen(await port.createPair(), channel)));
      const sent = Array.from({ length: 500 }, (_, number) => `message ${number}`);
      await Promise.all(sent.map((message) => from.publisher.publish(channel, message)));
      for (const messages of heard) {
        await arrives(() => equal(messages.length >= sent.length, true, "all have arrived"));
        const wrong = sent.findIndex((message, at) => messages[at] !== message);
        if (wrong !== -1) fail(`message ${wrong} of ${sent.length} was ${String(messages[wrong])}`);
        equal(messages.length, sent.length, "messages that arrived");
      }
    },
  );

  promise("subscribe resolves only once messages arrive", async (port) => {
    const [from, to] = [await port.createPair(), await port.createPair()];
    for (let round = 0; round < 20; round += 1) {
      const channel = port.name("channel");
      const messages = await listen(to, channel);
      await from.publisher.publish(channel, "at once");
      await arrives(() => deepEqual(messages, ["at once"], `round ${round}`));
    }
  });

  promise("unsubscribe ends a subscription, for its channel and its process only", async (port) => {
    const [channel, kept] = [port.name("channel"), port.name("channel")];
    const [from, leaver, stayer] = [
      await port.createPair(),
      await port.createPair(),
      await port.createPair(),
    ];
    const left = await listen(leaver, channel);
    const keptByLeaver = await listen(leaver, kept);
    const stayed = await listen(stayer, channel);
    await from.publisher.publish(channel, "before");
    await arrives(() => deepEqual([left, stayed], [["before"], ["before"]]));
    await leaver.subscriber.unsubscribe(channel);
    await from.publisher.publish(channel, "after");
    await from.publisher.publish(kept, "kept");
    await arrives(() => deepEqual([stayed, keptByLeaver], [["before", "after"], ["kept"]]));
    deepEqual(left, ["before"]);
  });

  promise("a channel that was left can be subscribed to again, and is heard once then", async (port) => {
    const channel = port.name("channel");
    const [from, to] = [await port.createPair(), await port.createPair()];
    await listen(to, channel);
    await to.subscriber.unsubscribe(channel);
    const messages = await listen(to, channel);
    await from.publisher.publish(channel, "again");
    await from.publisher.publish(channel, "last");
    await arrives(() => equal(messages.at(-1), "last"));
    deepEqual(messages, ["again", "last"]);
  });

  promise("a number that publish resolves to counts subscribers: 0 where there is none", async (port) => {
    const channel = port.name("channel");
    const from = await port.createPair();
    const unheard = await from.publisher.publish(channel, "to nobody");
    if (typeof unheard !== "number") return;
    equal(unheard, 0, "receivers where nobody subscribes");
    await Promise.all([1, 2].map(async () => listen(await port.createPair(), channel)));
    const heard = await from.publisher.publish(channel, "to two");
    equal(
      typeof heard === "number" && heard <= 2,
      true,
      `at most 2 receivers, publish said ${String(heard)}`,
    );
  });
});

/** Collects the messages that arrive on a channel from now on. */
async function listen({ subscriber }: PubSubPair, channel: string): Promise<string[]> {
  const messages: string[] = [];
  await subscriber.subscribe(channel, (message) => messages.push(message));
  return messages;
}

/** A message takes no longer than this. */
function arrives(check: () => void): Promise<void> {
  return until(check, { withinMs: 5_000 });
}
