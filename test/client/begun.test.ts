// Where a text begins whose first answer doesn't say it.

import { expect, test } from "vitest";
import { fetchOn } from "../../src/client/resumable-fetch.ts";
import { letRetry, readText } from "./reader.ts";
import { openWire } from "./scene.ts";

function plain(text: string, headers: Record<string, string> = {}): Response {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
  });
  return new Response(body, { headers: { "content-type": "text/plain;charset=UTF-8", ...headers } });
}

test.each([
  ["?resumeAt=40", "46"],
  ["?resumeAt=", "6"],
])("it is where its address, %s, asked for", async (query, at) => {
  const answers = [plain("forty "), plain("more", { "stream-offset": at })];
  await using wire = await openWire(() => answers.shift() ?? new Response(null, { status: 500 }));
  const reading = readText(await fetchOn(wire.platform, wire.url + query, {}));
  await reading.reached(6);
  wire.proxy.cut();
  await letRetry(wire);
  await reading.reached(10);
  expect([reading.text(), wire.requests]).toEqual(["forty more", [query, `?resumeAt=${at}`]]);
});
