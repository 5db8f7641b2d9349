// One reader on the screen: the text, a bar of how it came, and a word on how the reader is.

import { element } from "./elements.ts";

/** A word older than this when it comes was said before: the reader had missed it. */
const LIVE_MS = 250;
/** A reader that should be getting text, and has had none for this long, is said to wait. */
const WAIT_MS = 2_000;

type Kind = "live" | "missed";

export class Pane {
  readonly #text: HTMLElement;
  readonly #status: HTMLElement;
  readonly #bar: HTMLElement;
  /** How much the whole answer is; 0 until it is known. */
  #total = 0;
  /** The latest part of the bar; absent before the first. */
  #run: { kind: Kind; from: number; end: number; span: HTMLElement } | undefined;
  /** When text came last, or the reader began to ask for it; absent while none can come. */
  #lastAt: number | undefined;
  #isCut = false;
  #shown = "";

  constructor(name: string) {
    this.#text = element(`text-${name}`);
    this.#status = element(`status-${name}`);
    this.#bar = element(`bar-${name}`);
  }

  get text(): string {
    return this.#shown;
  }

  get isWaiting(): boolean {
    return this.#lastAt !== undefined && performance.now() - this.#lastAt > WAIT_MS;
  }

  /** Takes one server-sent event. */
  take(event: string): void {
    const data = /^data: (.*)$/m.exec(event)?.[1];
    if (data === undefined) return;
    const { word, at } = JSON.parse(data) as { word: string; at: number };
    const kind = Date.now() - at < LIVE_MS ? "live" : "missed";
    this.#append(word, kind);
    this.#shown += word;
    this.#extend(kind);
    // This word was on its way when the cable was pulled.
    if (this.#isCut) return;
    this.#lastAt = performance.now();
    this.#say("live");
  }

  /** Text may come from here on: the time is measured. */
  expect(status: string): void {
    if (this.#isCut) return;
    this.#lastAt ??= performance.now();
    this.#say(status);
  }

  /** None will come, or none for now. */
  rest(status: string): void {
    this.#lastAt = undefined;
    this.#say(status);
  }

  /** Called now and then. */
  tick(total: number): void {
    this.#total = total;
    if (this.isWaiting && this.#lastAt !== undefined) {
      this.#say(`waiting for ${Math.floor((performance.now() - this.#lastAt) / 1_000)} s`);
    }
  }

  /** Its cable was pulled, or is in again. A reader at its end doesn't mind. */
  onCable(isOut: boolean): void {
    if (isOut && this.#lastAt !== undefined) {
      this.#isCut = true;
      this.rest("cable is out");
    } else if (!isOut && this.#isCut) {
      this.#isCut = false;
      this.expect("connects");
    }
  }

  #say(status: string): void {
    if (this.#status.textContent !== status) this.#status.textContent = status;
    this.#status.classList.toggle("waiting", this.isWaiting);
  }

  #append(word: string, kind: Kind): void {
    const box = this.#text;
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    if (kind === "live") box.append(word);
    else {
      const span = document.createElement("span");
      span.className = "missed";
      span.textContent = word.trimEnd();
      box.append(span, word.slice(span.textContent.length));
    }
    // Whoever has scrolled up reads on there.
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  }

  #extend(kind: Kind): void {
    if (this.#run?.kind !== kind) {
      const span = document.createElement("span");
      span.className = kind;
      this.#bar.append(span);
      this.#run = { kind, from: this.#run?.end ?? 0, end: 0, span };
    }
    this.#run.end = this.#shown.length;
    const { from, end, span } = this.#run;
    if (this.#total > 0) span.style.width = `${((end - from) / this.#total) * 100}%`;
  }
}
