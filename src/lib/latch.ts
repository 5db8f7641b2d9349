// Something that happens once, and who waits for it. Within us it does what an AbortSignal does for others, and costs neither an event
// target nor an error with a stack: each stream has several.

export class Latch {
  #isSet = false;
  /** Absent until somebody waits. */
  #waiting: Set<() => void> | undefined;

  get isSet(): boolean {
    return this.#isSet;
  }

  /** May be called again. */
  set(): void {
    if (this.#isSet) return;
    this.#isSet = true;
    const due = this.#waiting;
    this.#waiting = undefined;
    due?.forEach((callback) => callback());
  }

  /** Calls back once, when it is set; not if it is set already. Returns a function that takes it back. */
  onSet(callback: () => void): () => void {
    if (this.#isSet) return () => undefined;
    this.#waiting ??= new Set();
    this.#waiting.add(callback);
    return () => this.#waiting?.delete(callback);
  }
}
