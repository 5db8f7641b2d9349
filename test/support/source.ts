// Sources whose text follows from their description, so that another process can say what it should have read.

import { setTimeout as pass } from "node:timers/promises";
import type { MakeStream } from "../../src/api/types.ts";

/** A source, as it can be sent to another process. */
export interface SourceSpec {
  /** Is in every chunk, so that the texts of two sources can't be mistaken. */
  label: string;
  chunks: number | "endless";
  /** Chunk n comes n times this after the start. */
  everyMs: number;
  /** Chunks are padded to this. @defaultValue as short as they are */
  chunkLength?: number;
  /** After so many chunks the source waits for `release()`. */
  holdAfter?: number;
  /** What comes after the last chunk, or what `makeStream` does in place of making a source. @defaultValue "close" */
  end?: "close" | "error" | "throw" | "reject";
}

export interface SourceReport {
  /** How often `makeStream` was called. */
  made: number;
  given: number;
  /** Why it was cancelled; absent while it wasn't. */
  cancelled?: string;
  /** Whether the signal that makeStream got is aborted. */
  aborted: boolean;
  closed: boolean;
}

export function sourceChunk({ label, chunkLength = 0 }: SourceSpec, index: number): string {
  return `[${label} ${index}]`.padEnd(chunkLength, " the quick brown fox jumps over the lazy dog");
}

/** The text of the first chunks, by default of all. */
export function sourceText(spec: SourceSpec, chunks = spec.chunks): string {
  if (chunks === "endless") throw new TypeError(`Source "${spec.label}" has no whole text`);
  return Array.from({ length: chunks }, (_, index) => sourceChunk(spec, index)).join("");
}

/** Makes a described source, and knows how often and how far. */
export class SpecifiedSource {
  readonly spec: SourceSpec;
  readonly report: SourceReport = { made: 0, given: 0, aborted: false, closed: false };
  #release: () => void = () => undefined;
  readonly #released: Promise<void>;

  constructor(spec: SourceSpec) {
    this.spec = spec;
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Ends the wait of `holdAfter`. */
  release(): void {
    this.#release();
  }

  readonly make: MakeStream = ({ signal }) => {
    this.report.made += 1;
    signal.addEventListener("abort", () => {
      this.report.aborted = true;
    });
    const { end } = this.spec;
    if (end === "throw") throw new Error(`Source "${this.spec.label}" can't be made`);
    if (end === "reject") return this.#reject();
    return this.#stream();
  };

  async #reject(): Promise<ReadableStream<string>> {
    if (this.spec.holdAfter === 0) await this.#released;
    throw new Error(`Source "${this.spec.label}" can't be made`);
  }

  #stream(): ReadableStream<string> {
    const startedAt = performance.now();
    let next = 0;
    return new ReadableStream<string>({
      pull: async (controller) => {
        if (next === this.spec.holdAfter) await this.#released;
        if (next === this.spec.chunks) {
          this.report.closed = true;
          if (this.spec.end === "error") controller.error(new Error(`Source "${this.spec.label}" broke`));
          else controller.close();
          return;
        }
        const waitMs = startedAt + next * this.spec.everyMs - performance.now();
        if (waitMs > 0) await pass(waitMs);
        if (this.report.cancelled !== undefined) return;
        controller.enqueue(sourceChunk(this.spec, next));
        next += 1;
        this.report.given += 1;
      },
      cancel: (reason) => {
        this.report.cancelled = String(reason);
        this.release();
      },
    });
  }
}
