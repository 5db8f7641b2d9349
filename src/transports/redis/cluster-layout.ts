// Which nodes a cluster has. node-redis asks only when a command was redirected, and a node that died redirects nothing.

import { background } from "../../lib/background.ts";
import { type Cancel, type Clock, withDeadline } from "../../lib/clock.ts";
import { type Emitter, listen } from "./redis-connection.ts";

interface ClusterClient extends Emitter {
  readonly isOpen: boolean;
  sendCommand(firstKey: string | undefined, isReadonly: boolean, words: string[]): Promise<unknown>;
}

/** From a node's trouble to the question, and between questions while trouble lasts: a fail-over takes seconds. */
const AFTER_TROUBLE_MS = 1_000;
/** Keys of different nodes, of which most are alive. */
const ROUTES = ["0", "1", "2", "3", "4", "5", "6", "7"];
const ANSWER_MS = 500;
/** Trouble of a node: by version 4 as an error of the cluster client, by later ones under a name of its own. */
const TROUBLE = ["error", "node-error"];

// No keys, no arguments. Answers that the command's slot has to be asked for at a node which no cluster has. The client then asks
// for the cluster's nodes, once, and rejects with "Cannot find node". No version has a method for it.
const REDIRECT = `return redis.error_reply('ASK 0 nobody:0')`;

/** Keeps a client's idea of its cluster's nodes up to date when one of them fails. */
export class LayoutWatch {
  readonly #client: ClusterClient;
  readonly #clock: Clock;
  /** The client was silent, whichever node it was to ask. Answers whether another serves now. */
  readonly #onSilent: () => Promise<boolean>;
  readonly #listeners = new Set<() => void>();
  /** Absent while nobody asks. */
  #refreshing: Promise<boolean> | undefined;
  #cancelRefresh: Cancel | undefined;
  #stopWatching: () => void = () => undefined;
  #nextRoute = 0;

  constructor(client: ClusterClient, clock: Clock, onSilent: () => Promise<boolean>) {
    this.#client = client;
    this.#clock = clock;
    this.#onSilent = onSilent;
  }

  /** Hears of each time that connections may have been made anew after trouble. Messages may be lost before it. */
  onRefresh(listener: () => void): () => void {
    if (this.#listeners.size === 0) this.#watch();
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size > 0) return;
      this.#stopWatching();
      this.#cancelRefresh?.();
      this.#cancelRefresh = undefined;
    };
  }

  /** Has the client ask for the cluster's nodes. False if none answered. Never rejects. */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#askAround().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  #watch(): void {
    const stops = TROUBLE.map((event) => listen(this.#client, event, () => this.#schedule()));
    this.#stopWatching = () => {
      for (const stop of stops) stop();
    };
  }

  #schedule(): void {
    this.#cancelRefresh ??= this.#clock.after(AFTER_TROUBLE_MS, () => {
      this.#cancelRefresh = undefined;
      const told = this.refresh().then((isRefreshed) => {
        if (isRefreshed) for (const listener of this.#listeners) listener();
        else if (this.#listeners.size > 0) this.#schedule();
      });
      background(told, () => undefined);
    });
  }

  async #askAround(): Promise<boolean> {
    let isSilent = false;
    for (let tries = 0; tries < ROUTES.length && this.#client.isOpen; tries++) {
      const heard = await this.#ask(ROUTES[this.#nextRoute]);
      if (heard === "layout") return true;
      isSilent ||= heard === "nothing";
      this.#nextRoute = (this.#nextRoute + 1) % ROUTES.length;
    }
    return isSilent && this.#client.isOpen && this.#onSilent();
  }

  async #ask(route: string | undefined): Promise<"layout" | "refusal" | "nothing"> {
    const silence = new Error("No answer.");
    try {
      const answer = this.#client.sendCommand(route, false, ["EVAL", REDIRECT, "0"]);
      await withDeadline(this.#clock, answer, { timeoutMs: ANSWER_MS, late: () => silence });
      return "refusal";
    } catch (error) {
      if (error === silence) return "nothing";
      return error instanceof Error && error.message.startsWith("Cannot find node") ? "layout" : "refusal";
    }
  }
}
