import { expect, inject, test } from "vitest";
import { describeChat } from "./chat.ts";
import { startExample } from "./example.ts";

describeChat("next-app", { store: "Redis" });

test("a deploy of next-app: an answer that takes longer than its drain is cut, and says so", async () => {
  const example = await startExample("next-app", inject("redisUrl"), { DRAIN_MS: "1000" });
  try {
    const message = { id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text: "Go on." }] };
    const response = await fetch(`${example.url}api/chat?id=${crypto.randomUUID()}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ message }),
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (text.length < 3_000) text += (await reader?.read())?.value ?? "";
    const gone = example.terminate();
    const read = async (): Promise<void> => {
      for (let next = await reader?.read(); next && !next.done; next = await reader?.read())
        text += next.value;
    };
    // Next.js alone would wait for the whole answer.
    await expect(read()).rejects.toThrow("terminated");
    expect(text).toMatch(/\n: resumable-stream end=lost\n$/);
    await gone;
  } finally {
    await example.remove();
  }
}, 300_000);
