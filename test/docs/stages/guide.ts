// Stages of docs/README.md.

import { running, type Stage } from "./stage.ts";

export const guide: Record<string, Stage> = {
  "docs/README.md: Resuming at an offset, block 1": {
    before: `${running}
const shown = whole.slice(0, 5);
`,
    after: `
let text = shown;
for await (const piece of rest ?? []) text += piece;
console.log(text === whole);
`,
    prints: "true\n",
  },
  "docs/README.md: Metrics, block 1": {
    before: `
import { createResumableStreamContext } from "resumable-stream/memory";
const count = (name: string) => ({ inc: (labels?: object) => console.log(name, labels ?? "") });
const lostStreams = count("lost");
const errors = count("errors");
`,
    after: `
const source = new TransformStream<string, string>();
await context.createNewResumableStream("chat-1", () => source.readable);
console.log(running.size);
await context.createNewResumableStream("chat-1", () => new ReadableStream({ start: (c) => c.close() }));
await source.writable.close();
`,
    prints: "1\nerrors { code: 'FENCED' }\n",
  },
};
