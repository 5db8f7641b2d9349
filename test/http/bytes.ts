// A response's body as a reader sees it that decides itself when to read on.

import { within } from "../support/wait.ts";
import { bodyOverNode } from "./over-node.ts";

let isOverNode = false;

/** From now on, `readBody` reads what the bridge to Node makes of a body. */
export function readOverNode(): void {
  isOverNode = true;
}

export interface BodyReading {
  /** The next piece of the body; undefined at its end. Rejects where the body breaks off. */
  next: () => Promise<string | undefined>;
  /** All up to the end, and whether the body was closed or broke off. */
  rest: () => Promise<{ text: string; end: "closed" | "broken" }>;
  leave: () => Promise<void>;
}

export function readBody(response: Response): BodyReading {
  if (!response.body) throw new Error(`A ${response.status} without a body`);
  const reader = (isOverNode ? bodyOverNode(response) : response.body).getReader();
  // Fatal: a piece that splits a character fails the test.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const next = async (): Promise<string | undefined> => {
    const { done, value } = await within(5_000, "a piece of the body", reader.read());
    return done ? undefined : decoder.decode(value);
  };
  return {
    next,
    async rest() {
      let text = "";
      try {
        for (let piece = await next(); piece !== undefined; piece = await next()) text += piece;
        return { text, end: "closed" };
      } catch {
        return { text, end: "broken" };
      }
    },
    leave: () => reader.cancel(),
  };
}
