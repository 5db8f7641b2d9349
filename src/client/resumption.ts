// Performs what reconnect.ts decides: one body over as many connections as it takes.

import type { Cancel } from "../lib/clock.ts";
import { EVENTS, judge, type Position, typeOf } from "./answer.ts";
import { type Connection, letGo } from "./connection.ts";
import { ResumableFetchError } from "./error.ts";
import { Received, type ReceivedOptions } from "./received.ts";
import {
  type EndKind,
  type ReconnectEvent,
  type ReconnectState,
  stepReconnect,
  type Verdict,
} from "./reconnect.ts";
import type { ResumptionOptions } from "./resumption-options.ts";
import { reasonOf, waitMs } from "./wait.ts";

const utf8 = new TextEncoder();
/** A healthy connection may well be silent for this time; one that the system has let go of always is. */
const QUIET_MS = 5_000;

export class Resumption {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** How the stream ended; undefined if that isn't known. */
  readonly ended: Promise<EndKind | undefined>;
  #onEnd: (end: EndKind | undefined) => void = () => {};
  readonly #options: ResumptionOptions;
  #state: ReconnectState = { reads: true, next: "none", attempts: 0 };
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  /** After all that was handed on. */
  #position: Position;
  /** The connection that is read; absent if it broke and no other is there. */
  #current: Connection | undefined;
  /** The connection that is to take its place; absent unless there is an attempt. */
  #next: Connection | undefined;
  /** The body's reader waits for text. */
  #isWanted = false;
  /** The error that the body will end with; absent until known. */
  #failure: ResumableFetchError | undefined;
  /** The rest of an event that a closed connection brought last. It counts as text if that was the end. */
  #left = "";
  #heardAt: number;
  /** The events that came are our server's. */
  #isOwn = false;
  /** Absent once it is called for, and if nobody wants to know. */
  #onCaughtUp: (() => void) | undefined;
  /** Goes on with new text once the reader has taken the old; absent unless it hasn't. */
  #goOn: (() => void) | undefined;
  /** Media type of the text; absent if its server gives none. */
  readonly #type: string | undefined;
  /** The first answer may be ours, by the one header of ours that pages of another origin see without its being exposed to them. */
  readonly #mayBeOurs: boolean;
  /** Status of the last answer. */
  #status: number | undefined;
  /** Of the current connection's silence. */
  #cancelSilence: Cancel = () => {};
  /** Of the wait before an attempt, and of the attempt. */
  #cancelAttempt: Cancel = () => {};
  /** Aborts once the body ends, and takes the listeners back. */
  readonly #over = new AbortController();

  constructor(options: ResumptionOptions) {
    const { platform, position, response, signal } = options;
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#onEnd = resolve));
    this.#heardAt = platform.clock.now();
    this.#type = typeOf(response.headers);
    this.#mayBeOurs =
      response.type === "cors" && /no-transform/.test(response.headers.get("cache-control") ?? "");
    this.#position = position;
    this.#onCaughtUp = options.onCaughtUp;
    this.#current = this.#open({ abort: new AbortController() }, response, "anywhere");
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#isWanted = true;
          // A turn later, for the old text to come through the pipes behind the body.
          if (this.#goOn) return platform.clock.nextTurn(() => this.#goOn?.());
          this.#fail();
          this.#read();
        },
        cancel: () => this.#dispatch({ type: "ended", verdict: {} }),
      },
      { highWaterMark: 0 },
    );
    platform.onWake((why) => {
      const silentMs = platform.clock.now() - this.#heardAt;
      this.#dispatch({ type: "wake", isQuiet: why === "online" || silentMs > QUIET_MS });
    }, this.#over.signal);
    if (!signal) return;
    const onAbort = (): void => {
      this.#dispatch({ type: "ended", verdict: {} });
      this.#controller?.error(reasonOf(signal));
    };
    signal.addEventListener("abort", onAbort, this.#over);
    if (signal.aborted) onAbort();
  }

  #dispatch(event: ReconnectEvent): void {
    const { maxAttempts, platform } = this.#options;
    const limits = { maxAttempts, isOffline: platform.isOffline() };
    const { state, effect } = stepReconnect(this.#state, event, limits);
    const { reads, next } = state;
    this.#state = state;
    if (effect || next === "none") this.#cancelAttempt();
    const isSwitch = effect?.type === "switch";
    if (isSwitch || !reads) {
      this.#cancelSilence();
      this.#current = letGo(this.#current);
    }
    if (isSwitch) [this.#current, this.#next] = [this.#next, undefined];
    else if (next !== "asking" || effect?.type === "connect") this.#next = letGo(this.#next);
    switch (effect?.type) {
      case "wait":
        return this.#attempt(waitMs(effect, platform), { type: "due" });
      case "connect":
        return this.#connect();
      case "switch":
        return this.#read();
      case "drain":
        return this.#listen();
      case "finish":
        return this.#finish(effect.verdict);
      case undefined:
        return;
    }
  }

  #finish({ code, end }: Verdict): void {
    this.#over.abort();
    this.#onEnd(end);
    if (code ?? end) this.#goOn?.();
    this.#goOn = undefined;
    if (code) this.#failure = new ResumableFetchError(code, this.#status);
    else if (end) {
      this.#hand(this.#left);
      this.#controller?.close();
    }
    this.#fail();
  }

  /**
   * Errors the body if its reader asks for more than there is, for an error discards what nobody has taken; and a turn of
   * the event loop later, for it does so in each pipe behind the body.
   */
  #fail(): void {
    const failure = this.#failure;
    if (failure && this.#isWanted) {
      this.#options.platform.clock.nextTurn(() => this.#controller?.error(failure));
    }
  }

  #attempt(delayMs: number, event: ReconnectEvent): void {
    this.#cancelAttempt = this.#options.platform.clock.after(delayMs, () => this.#dispatch(event));
  }

  #connect(): void {
    const { request, stallTimeoutMs } = this.#options;
    const connection: Connection = { abort: new AbortController() };
    const position = this.#position;
    this.#next = connection;
    this.#attempt(stallTimeoutMs, { type: "failed" });
    request(position, connection.abort.signal)
      .then((response) => this.#onAnswer(connection, response, position))
      // An answer that can't be read, too: the caller's own `fetch` may have locked it.
      .catch(() => this.#onBroken(connection));
  }

  #onAnswer(connection: Connection, response: Response, position: Position): void {
    const { isTrusted, platform } = this.#options;
    const { clock } = platform;
    const isSaid = isTrusted || response.headers.has("stream-offset");
    // Events may say by their first comment where they begin. That is too late a proof if another connection would be let go for it.
    const mayBeOwn = !this.#state.reads && !isSaid && typeOf(response.headers) === EVENTS;
    const isOwn = this.#isOwn || mayBeOwn;
    this.#open(connection, response, isOwn ? "own" : "here");
    if (connection !== this.#next) return letGo(connection);
    this.#status = response.status;
    const { closed } = this.#state;
    const asked = { position, type: this.#type, isTrusted, isOwn, closed, left: this.#left.length };
    const judgement = judge(response, asked, clock.wallTime());
    const isBehind = this.#position !== position;
    this.#dispatch(judgement.type === "opened" ? { type: "opened", isBehind } : judgement);
  }

  #open(connection: Connection, { body, headers }: Response, from: ReceivedOptions["from"]): Connection {
    return Object.assign(connection, {
      reader: body?.getReader(),
      received: new Received({ headers, position: this.#position, from }),
      openedAt: this.#options.platform.clock.now(),
    });
  }

  /** Reads on when the body's reader waits, and never ahead of it. */
  #read(): void {
    const connection = this.#current;
    if (!connection || connection.isReading || !this.#isWanted || this.#goOn) return;
    connection.isReading = true;
    this.#listen();
    // A `fetch` of the caller's may answer without a body.
    Promise.resolve(connection.reader?.read()).then(
      (read) => this.#onRead(connection, read?.value),
      () => this.#onBroken(connection),
    );
  }

  /** A silence counts from when somebody listens. */
  #listen(): void {
    const { platform, stallTimeoutMs } = this.#options;
    const { code, end } = this.#state.verdict ?? {};
    const isOver = end ?? code === "MISSED_END";
    this.#cancelSilence();
    if (!this.#current?.isReading) return;
    this.#cancelSilence = platform.clock.after(isOver ? QUIET_MS : stallTimeoutMs, () =>
      this.#dispatch({ type: "stalled" }),
    );
  }

  #onRead(connection: Connection, bytes: Uint8Array<ArrayBuffer> | undefined): void {
    const { received } = connection;
    if (!received || connection !== this.#current) return;
    connection.isReading = false;
    if (!bytes) {
      // Our own events tell their end, and an answer that had to be ours and said nothing was none.
      const { isOurs, kind, mustBeOwn } = received;
      // Asked only whether a clean close was the end, another server may well say it so.
      const isNone = isOurs || this.#isOwn || (mustBeOwn && this.#state.confirms !== "other");
      const isHidden = !isOurs && kind === "text" && this.#mayBeOurs;
      if (kind === "own" || (kind === "unknown" && isNone) || isHidden) return this.#onBroken(connection);
      this.#left = received.left || this.#left;
      return this.#dispatch({ type: "closed", by: isOurs ? "ours" : "other" });
    }
    const { pieces, old, verdict } = received.push(bytes);
    const moved = received.position !== this.#position;
    this.#position = received.position;
    if (moved) this.#left = "";
    this.#isOwn ||= received.kind === "own";
    this.#heardAt = this.#options.platform.clock.now();
    this.#cancelSilence();
    this.#dispatch({ type: "heard", moved });
    const goOn = (): void => {
      for (const piece of pieces) this.#hand(piece);
      if (verdict) this.#dispatch({ type: "ended", verdict });
      // Before it breaks: by then another connection may be there.
      else if (received.isMoved) this.#onBroken(connection);
      else this.#read();
    };
    const onCaughtUp = this.#onCaughtUp;
    if (old === undefined || !onCaughtUp) return goOn();
    this.#onCaughtUp = undefined;
    for (const piece of pieces.splice(0, old)) this.#hand(piece);
    this.#goOn = () => {
      this.#goOn = undefined;
      // Before the reader is given what follows; and what it throws must not stop that.
      queueMicrotask(onCaughtUp);
      goOn();
    };
    if (this.#isWanted) this.#goOn();
  }

  #hand(piece: string | Uint8Array<ArrayBuffer>): void {
    if (piece.length === 0) return;
    this.#isWanted = false;
    this.#controller?.enqueue(typeof piece === "string" ? utf8.encode(piece) : piece);
  }

  #onBroken(connection: Connection): void {
    if (connection === this.#next) this.#dispatch({ type: "failed" });
    if (connection !== this.#current) return;
    const { openedAt = 0, received } = connection;
    const openMs = this.#options.platform.clock.now() - openedAt;
    this.#dispatch({
      type: "cut",
      served: !received?.left && openMs > QUIET_MS,
      isMoved: received?.isMoved,
    });
  }
}
