// What stands around a document's block so that it is a program: what its reader has already, and what shows that it works.

export interface Stage {
  before?: string;
  /** Prints what the test looks for; absent where nothing is run, and the compiler alone is asked. */
  after?: string;
  prints?: string;
}

/** A source of the text `data: Text\n\ndata: outlives\n\n…`, in time for a second reader to come. */
export const answer = `
import { setTimeout as sleep } from "node:timers/promises";
const whole = ["Text", "outlives", "its", "connection."].map((word) => \`data: \${word}\\n\\n\`).join("");
function makeStream(): ReadableStream<string> {
  const pieces = whole.match(/.{1,8}/gs) ?? [];
  return new ReadableStream({
    async pull(controller) {
      await sleep(20);
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}
`;

/** A context of a running stream. */
export const running = `${answer}
import { createResumableStreamContext } from "resumable-stream/memory";
const context = createResumableStreamContext({ waitUntil: null });
const original = context.createNewResumableStream("chat-1", makeStream);
await original;
`;
