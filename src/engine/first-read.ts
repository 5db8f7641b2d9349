// The answer that a follower's caller waits for: of its first read, or of what came before that.

import type { ResumableStreamError } from "../port/errors.ts";
import { background } from "../lib/background.ts";
import { createDeferred } from "../lib/deferred.ts";
import type { EndKind, ReadResult } from "../port/transport.ts";

/** Settles once; what comes later changes nothing. */
export class FirstRead {
  readonly #answer = createDeferred<ReadResult>();

  get answer(): Promise<ReadResult> {
    return this.#answer.promise;
  }

  resolve(result: ReadResult): void {
    this.#answer.resolve(result);
  }

  /** A live page told the end, at `next`. */
  end(end: EndKind, { epoch = 0, next }: { epoch: number | undefined; next: number }): void {
    this.resolve({ status: "page", page: { epoch, from: next, text: "", tail: next, end } });
  }

  reject(error: ResumableStreamError): void {
    this.#answer.reject(error);
    background(this.#answer.promise, () => undefined);
  }
}
