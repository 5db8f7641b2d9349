// A reader of a sample: the client that the documents show beside it, over connections that break.

import { ResumableFetchError } from "../../src/client.ts";
import { seededRandom } from "../../src/lib/random.ts";
import { until } from "../support/wait.ts";
import { linesOf } from "./answer.ts";
import type { SampleServer } from "./sample-server.ts";

/** Asks for a new answer. */
export type Ask = (url: string) => Promise<Response>;

export class SampleReader {
  text = "";
  /** `clean`, or the error's code. Absent while it reads. */
  end: string | undefined;
  readonly ended: Promise<void>;

  constructor(response: Response) {
    this.ended = this.#read(response);
  }

  get lines(): number {
    return linesOf(this.text);
  }

  async reached(lines: number): Promise<void> {
    await until(() => this.lines >= lines || this.end !== undefined, {
      what: `${lines} lines`,
      withinMs: 30_000,
    });
  }

  async #read(response: Response): Promise<void> {
    try {
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      for (let next = await reader?.read(); next && !next.done; next = await reader?.read())
        this.text += next.value;
      this.end = "clean";
    } catch (error) {
      this.end = error instanceof ResumableFetchError ? error.code : String(error);
    }
  }
}

const CUTS = 30;

/** Reads an answer to its end while thirty connections are cut, each after some of the text. */
export async function readOverCuts(
  server: SampleServer,
  ask: Ask,
  { seed, cutAfterBytes = 900 }: { seed: number; cutAfterBytes?: number | undefined },
): Promise<{ cuts: number } & SampleReader> {
  const random = seededRandom(seed);
  let cuts = 0;
  server.proxy.cutEachAfter(() => (cuts++ < CUTS ? cutAfterBytes + Math.floor(random() * 1_500) : Infinity));
  const reader = new SampleReader(await ask(server.url));
  await until(() => cuts > CUTS || reader.end !== undefined, { what: "the last cut", withinMs: 90_000 });
  // Over the connection that stays: one that is only opened may come after the end, and a relay keeps no text.
  await reader.reached(reader.lines + 5);
  await server.finish();
  await reader.ended;
  return Object.assign(reader, { cuts });
}
