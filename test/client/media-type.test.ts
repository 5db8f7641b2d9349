// An answer that isn't the stream: what tells it is its media type.

import { expect, test } from "vitest";
import { endOf } from "../../src/client.ts";
import { errorOf, letRetry, readText } from "./reader.ts";
import { openScene } from "./scene.ts";

test.each(["events", "text"] as const)(
  "%s error with REFUSED where a later answer is of another media type, and take none of it for text",
  async (format) => {
    await using scene = await openScene({ format });
    const response = await scene.fetch();
    const reading = readText(response);
    scene.source.push("data: a\n\n");
    const first = `data: a\n${format === "events" ? "id: 9\n" : ""}\n`;
    await reading.reached(first.length);
    scene.answers.push(() => new Response("<h1>Log in</h1>", { headers: { "content-type": "text/html" } }));
    scene.proxy.cut();
    await letRetry(scene);
    expect(await errorOf(reading)).toMatchObject({ code: "REFUSED", status: 200 });
    expect(reading.text()).toBe(first);
    expect(await endOf(response)).toBeUndefined();
  },
);

test.each([
  ["text/plain", "text/plain;charset=UTF-8"],
  ["text/plain; charset=utf-8", undefined],
  [undefined, "text/plain"],
])("a text of type %s goes on with an answer of type %s", async (first, next) => {
  await using scene = await openScene();
  // As bytes: a string would come with a type.
  const half = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("half ")),
  });
  const answer = (body: BodyInit, type: string | undefined, at: Record<string, string>) => () =>
    new Response(body, { headers: { ...at, ...(type !== undefined && { "content-type": type }) } });
  scene.answers.push(
    answer(half, first, { "stream-offset": "0" }),
    answer(new TextEncoder().encode("whole"), next, { "stream-offset": "5" }),
    () => new Response(null, { status: 204 }),
  );
  const reading = readText(await scene.fetch());
  await reading.reached(5);
  scene.proxy.cut();
  await letRetry(scene);
  expect(await reading.ended).toEqual({ kind: "closed", text: "half whole" });
});
