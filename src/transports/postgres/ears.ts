// The followers of this process, by the name that notifications have for their streams.

import type { WatchSignal } from "../../port/transport.ts";

type Tell = (signal: WatchSignal) => void;

export class Ears {
  readonly #tells = new Map<string, Set<Tell>>();

  /** Returns what takes it back. */
  add(hint: string, onSignal: Tell): () => void {
    const alike = this.#tells.get(hint) ?? new Set();
    const tell: Tell = (signal) => onSignal(signal);
    this.#tells.set(hint, alike.add(tell));
    return () => {
      alike.delete(tell);
      if (alike.size === 0 && this.#tells.get(hint) === alike) this.#tells.delete(hint);
    };
  }

  /** Something happened in this stream. */
  missed(hint: string): void {
    for (const tell of this.#tells.get(hint) ?? []) tell({ type: "missed" });
  }

  /** Something may have happened in any. */
  allMissed(): void {
    for (const hint of this.#tells.keys()) this.missed(hint);
  }
}
