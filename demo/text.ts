// What the demo streams: a text, cut into words, each framed as one server-sent event.

import { setTimeout as sleep } from "node:timers/promises";

const prose = `A river does not care who is watching. It starts as melt water under a stone, finds the next \
stone, and goes on. If you look away for a minute, the water that passed is gone downstream; you can run along the \
bank and catch up with it, but only if somebody remembers where you were standing when you looked away.

Text that is being written behaves the same way. A machine thinks of one word, then the next, and sends each as soon \
as it has it. Between the machine and the person who reads there is a laptop lid, a tunnel, a lift, a wi-fi password \
that changed at noon, a deploy at ten past. Any of them closes the connection. The machine goes on thinking. The \
words go on coming, and fall off the edge of a socket that nobody holds.

So we keep a ledger. Every letter has a number, counted from the first one: the naïve way, and the right one. A \
reader that comes back says the number it has reached, and gets what follows: the words it missed, at once, and the \
words to come, as they come. A second reader that turns up late, in a café in 東京 or one tab further to the right, \
says zero and gets everything. Nobody is asked to stand still. Nobody hears a word twice, and nobody hears a word \
less. Not even the odd ones: 🌊 is two units wide, and arrives as one wave.

The producer hardly notices. As long as nobody asks, it writes nothing to anyone but the reader it has. When the \
first question comes in, it answers from its ledger and carries on. When the last word is said, it says so, and a \
reader that has not heard this knows that the text is not whole.

That is all there is to see here. One of two readers may have lost its connection on the way, and the other came \
late. Count what each of them has got, and take its checksum: both are equal to those of the text that was said.
`;

/** The text as the readers should get it: one server-sent event a word. Offsets count this string's code units. */
export const sourceText: string = events().join("");

/** How much text that is, without its frames. */
export const ANSWER_LENGTH: number = words().join("").length;

/** Streams the text word by word, the way a language model would. */
export function makeSource(options: { wordDelayMs: number; signal: AbortSignal }): ReadableStream<string> {
  const unsaid = events();
  return new ReadableStream({
    async pull(controller) {
      const event = unsaid.shift();
      if (event === undefined) {
        controller.close();
        return;
      }
      await sleep(options.wordDelayMs, undefined, { signal: options.signal });
      controller.enqueue(event);
    },
  });
}

/** Between two words on the page. */
const WORD_MS = Number(process.env["DEMO_WORD_MS"] || 60);

/** The page's: as `makeSource`, and each word says when it was said, so that a reader can tell replay from live. */
export function timedSource(options: {
  signal: AbortSignal;
  onWord?: (word: string) => void;
}): ReadableStream<string> {
  const unsaid = words();
  return new ReadableStream({
    async pull(controller) {
      const word = unsaid.shift();
      if (word === undefined) return controller.close();
      await sleep(WORD_MS, undefined, { signal: options.signal });
      options.onWord?.(word);
      controller.enqueue(`data: ${JSON.stringify({ word, at: Date.now() })}\n\n`);
    },
  });
}

/** The words of server-sent events, without a last event that isn't whole yet. */
export function wordsOf(eventText: string): string {
  const whole = eventText.split("\n\n").slice(0, -1);
  return whole.map((event) => String(JSON.parse(event.slice("data: ".length)))).join("");
}

// JSON keeps the line breaks inside a word from ending its event.
function events(): string[] {
  return words().map((word) => `data: ${JSON.stringify(word)}\n\n`);
}

function words(): string[] {
  return prose.match(/\S+\s+/g) ?? [];
}
