// How a device reads an answer: by this library's client, and beside it by hand, as 2.2.13 leaves it to the page.

import { endOf, ResumableFetchError, resumableFetch } from "resumable-stream/client";
import type { Cable } from "./cable.ts";
import type { Pane } from "./pane.ts";

export interface Reading {
  /** Of the stream; a position is added to it. */
  url: string;
  method: "GET" | "POST";
  cable: Cable;
  pane: Pane;
  /** Told of each answer with text. */
  onAnswer: (response: Response) => void;
  /** The status of a reader whose stream's server was killed. */
  death: string;
}

/** Settles at the stream's end. */
export async function read({ url, method, cable, pane, onAnswer, death }: Reading): Promise<void> {
  await cable.untilIn();
  const place = new URL(url, location.href);
  const fetch: typeof cable.fetch = async (input, init) => {
    const response = await cable.fetch(input, init);
    if (response.status === 200) onAnswer(response);
    return response;
  };
  try {
    // A cable may be out for as long as somebody likes.
    const response = await resumableFetch(place, { method, resumeUrl: place, fetch, maxAttempts: 1_000 });
    if (!response.body || response.status !== 200) {
      return pane.rest(response.headers.get("stream-status") ?? `answered ${response.status}`);
    }
    await takeEvents(response.body, (event) => pane.take(event));
    pane.rest(nameOf(await endOf(response)));
  } catch (error) {
    const code = error instanceof ResumableFetchError ? error.code : "cut off";
    const isDead = code === "PRODUCER_LOST" || code === "SOURCE_FAILED";
    pane.rest(isDead ? death : code.toLowerCase());
  }
}

/** 2.2.13 has no client: the page counts, and asks again a second after a failure. */
export async function readPublished({ url, method, cable, pane }: Reading): Promise<void> {
  let length = 0;
  for (let attempt = 0; ; attempt++) {
    await cable.untilIn();
    try {
      const response = await cable.fetch(`${url}&resumeAt=${length}`, {
        method: attempt === 0 ? method : "GET",
      });
      if (response.status === 204) return pane.rest("not there");
      if (!response.ok || !response.body) throw new TypeError(`The server answered ${response.status}.`);
      pane.expect("reading");
      await takeEvents(
        response.body,
        (event) => pane.take(event),
        (piece) => (length += piece.length),
      );
      return pane.rest("complete");
    } catch {
      if (!cable.isOut) pane.expect("asks again");
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}

async function takeEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (event: string) => void,
  onPiece?: (piece: string) => void,
): Promise<void> {
  let held = "";
  for await (const piece of body.pipeThrough(new TextDecoderStream())) {
    onPiece?.(piece);
    const events = (held + piece).split("\n\n");
    held = events.pop() ?? "";
    for (const event of events) take(event);
  }
}

function nameOf(end: string | undefined): string {
  return end === "done" ? "complete" : (end ?? "cut off");
}
