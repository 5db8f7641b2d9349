// A device's cable: it can be pulled and plugged in again, by pointer, touch or keyboard, and both readers of the device
// are cut off while it is out.

import { element } from "./elements.ts";

/** A plug that is dragged this far comes out, in CSS pixels. */
const PULL_PX = 28;
/** A press that moves no further than this is a click. */
const CLICK_PX = 5;
/** Where a plug hangs if it is out. */
const OUT = { x: -26, y: -34 };

interface Point {
  x: number;
  y: number;
}

export class Cable {
  readonly device: string;
  readonly #plug: HTMLElement;
  readonly #paths: NodeListOf<SVGPathElement>;
  readonly #name: string;
  readonly #deviceAt: number;
  readonly #onChange: () => void;
  /** Where the server is, in percent of the width. */
  #serverAt: number;
  #isOut = false;
  /** Readers that wait for the cable to be in again. */
  #waiting: (() => void)[] = [];

  constructor(number: 1 | 2, { name, onChange }: { name: string; onChange: () => void }) {
    this.device = crypto.randomUUID();
    this.#name = name;
    this.#onChange = onChange;
    this.#deviceAt = number === 1 ? 25 : 75;
    this.#serverAt = this.#deviceAt;
    this.#plug = element(`plug-${number}`);
    this.#paths = document.querySelectorAll<SVGPathElement>(`.cable-${number}`);
    this.#listen();
    this.#show();
  }

  get isOut(): boolean {
    return this.#isOut;
  }

  /** The platform's, while the cable is in. */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    if (this.#isOut) throw new TypeError("The cable is out.");
    return fetch(input, init);
  };

  async untilIn(): Promise<void> {
    if (this.#isOut) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  leadTo(serverAt: number): void {
    this.#serverAt = serverAt;
    this.#show();
  }

  carry(isCarrying: boolean): void {
    for (const path of this.#paths) path.classList.toggle("carries", isCarrying);
  }

  #set(isOut: boolean): void {
    if (isOut === this.#isOut) return;
    this.#isOut = isOut;
    if (isOut) void fetch(`/drop?device=${this.device}`, { method: "POST" });
    else {
      // As a browser says that its network is back: the client then asks at once.
      window.dispatchEvent(new Event("online"));
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
    this.#onChange();
  }

  #listen(): void {
    const plug = this.#plug;
    /** Where the pointer would be if the plug were in; absent while nothing is dragged. */
    let from: Point | undefined;
    let pressed: Point = { x: 0, y: 0 };
    let hasMoved = false;
    plug.addEventListener("pointerdown", (event) => {
      const rest = this.#isOut ? OUT : { x: 0, y: 0 };
      from = { x: event.clientX - rest.x, y: event.clientY - rest.y };
      pressed = { x: event.clientX, y: event.clientY };
      hasMoved = false;
      plug.setPointerCapture(event.pointerId);
    });
    plug.addEventListener("pointermove", (event) => {
      if (!from) return;
      const offset = { x: event.clientX - from.x, y: event.clientY - from.y };
      hasMoved ||= Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > CLICK_PX;
      if (!hasMoved) return;
      this.#set(Math.hypot(offset.x, offset.y) > PULL_PX);
      this.#show(offset);
    });
    const drop = (): void => {
      from = undefined;
      this.#show();
    };
    plug.addEventListener("pointerup", drop);
    plug.addEventListener("pointercancel", drop);
    plug.addEventListener("click", (event) => {
      // A key's click, or that of a pointer that dragged nothing.
      if (event.detail > 0 && hasMoved) return;
      this.#set(!this.#isOut);
      this.#show();
    });
  }

  #show(offset: Point = this.#isOut ? OUT : { x: 0, y: 0 }): void {
    const plug = this.#plug;
    plug.style.translate = `${offset.x}px ${offset.y}px`;
    plug.classList.toggle("out", this.#isOut);
    plug.querySelector("span")?.replaceChildren(this.#isOut ? "plug in" : "pull");
    const act = this.#isOut ? `Plug the ${this.#name}'s cable in` : `Pull the ${this.#name}'s cable`;
    plug.setAttribute("aria-label", act);
    const { width, height } = plug.parentElement?.getBoundingClientRect() ?? { width: 1, height: 1 };
    const x = this.#deviceAt + (offset.x / width) * 100;
    const y = 70 + (offset.y / height) * 100;
    const line = `M${this.#serverAt},0 C${this.#serverAt},55 ${x},${y - 55} ${x},${y}`;
    for (const path of this.#paths) {
      path.setAttribute("d", line);
      path.classList.toggle("out", this.#isOut);
    }
  }
}
