// A reader that a test can ask how far it is, how fast it was, and how its stream ended.

import { createHash } from "node:crypto";
import { setTimeout as pass } from "node:timers/promises";
import { reportError, type ErrorReport } from "./error-report.ts";
import { until } from "./wait.ts";

export type ReadEnd = { kind: "clean" } | { kind: "left" } | { kind: "error"; error: ErrorReport };

export interface ReadingOptions {
  /** `"digest"` forgets the text at once, to measure what the library holds. @defaultValue "text" */
  keep?: "text" | "digest";
  /** Reads so often, whatever there is to read. @defaultValue as fast as it comes */
  readsPerSecond?: number;
}

export interface ReadingReport {
  length: number;
  sha256: string;
  /** Absent where only the digest is kept. */
  text?: string;
  /** Absent while it reads. */
  end?: ReadEnd;
  /** From the start of reading to its end, or to now. */
  tookMs: number;
  /** The longest wait between two pieces. */
  longestWaitMs: number;
}

export class Reading {
  length = 0;
  /** Absent while it reads. */
  end: ReadEnd | undefined;
  readonly ended: Promise<ReadEnd>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #pieces: string[] = [];
  readonly #hash = createHash("sha256");
  readonly #keep: "text" | "digest";
  readonly #startedAt = performance.now();
  #lastAt = this.#startedAt;
  #longestWaitMs = 0;
  #pauseMs: number;

  constructor(stream: ReadableStream<string>, options: ReadingOptions = {}) {
    this.#reader = stream.getReader();
    this.#keep = options.keep ?? "text";
    this.#pauseMs = options.readsPerSecond === undefined ? 0 : 1000 / options.readsPerSecond;
    this.ended = this.#readAll();
  }

  get text(): string {
    return this.#pieces.join("");
  }

  report(): ReadingReport {
    return {
      length: this.length,
      sha256: this.#hash.copy().digest("hex"),
      ...(this.#keep === "text" ? { text: this.text } : {}),
      ...(this.end === undefined ? {} : { end: this.end }),
      tookMs: (this.end === undefined ? performance.now() : this.#lastAt) - this.#startedAt,
      longestWaitMs: this.#longestWaitMs,
    };
  }

  /** Resolves once so much was read, or the stream ended before it. */
  async reached(length: number): Promise<void> {
    await until(() => this.length >= length || this.end !== undefined, {
      what: `${length} characters, having ${this.length}`,
      withinMs: 60_000,
    });
  }

  hurry(): void {
    this.#pauseMs = 0;
  }

  /** Leaves, as a browser does that closes the tab. */
  async leave(): Promise<void> {
    this.end ??= { kind: "left" };
    await this.#reader.cancel("The reader left");
  }

  async #readAll(): Promise<ReadEnd> {
    const end = await this.#readToEnd();
    this.#arrived();
    this.end ??= end;
    return this.end;
  }

  async #readToEnd(): Promise<ReadEnd> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) return { kind: "clean" };
        this.#arrived();
        this.length += value.length;
        // UTF-16 as it is: UTF-8 would make all lone surrogates alike.
        this.#hash.update(Buffer.from(value, "utf16le"));
        if (this.#keep === "text") this.#pieces.push(value);
        if (this.#pauseMs > 0) await pass(this.#pauseMs);
      }
    } catch (error) {
      return { kind: "error", error: reportError(error) };
    }
  }

  #arrived(): void {
    const now = performance.now();
    this.#longestWaitMs = Math.max(this.#longestWaitMs, now - this.#lastAt);
    this.#lastAt = now;
  }
}

export function sha256(text: string): string {
  return createHash("sha256").update(Buffer.from(text, "utf16le")).digest("hex");
}
