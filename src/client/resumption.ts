// Performs what reconnect.ts decides: one body over as many connections as it takes.

import type { Cancel } from "../lib/clock.ts";
import { ResumableFetchError, type ResumableFetchErrorCode } from "./error.ts";
import type { Platform } from "./platform.ts";
import { Received } from "./received.ts";
import { type End, judge, type ReconnectEvent, type ReconnectState, stepReconnect } from "./reconnect.ts";

// Doubled here: lib/backoff.ts would cost 34 bytes more of the 3,000 that the client may have.
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** A healthy connection may well be silent so long; one that the system has let go of always is. */
const QUIET_MS = 5_000;
/**
 * Events travel one by one. A pipe passes an error on only once it has written what it read; so a parser that makes one piece
 * of each loses none, however slow its reader is.
 */
const afterEvents = /(?<=.(?:\r?\n){2})/;
const encoder = new TextEncoder();

export interface ResumptionOptions {
  platform: Platform;
  /** The answer to the first request. */
  response: Response;
  /** Where the first answer's text starts. */
  offset: number;
  /** Asks for the stream from an offset on. */
  request: (offset: number, signal: AbortSignal) => Promise<Response>;
  signal: AbortSignal | null | undefined;
  stallTimeoutMs: number;
  maxAttempts: number;
}

interface Connection {
  /** Of the request; what was answered is cancelled by its reader. */
  abort: AbortController;
  decoder: TextDecoder;
  /** The first piece came, which tells only that the connection is open. Absent until then. */
  isAlive?: true;
  /** A read is under way. Absent until the first one. */
  isReading?: boolean;
  /** Absent until the answer is there. */
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
}

export class Resumption {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** How the stream ended; undefined where that isn't known. */
  readonly ended: Promise<End | undefined>;
  #onEnd: (end: End | undefined) => void = () => {};
  readonly #options: ResumptionOptions;
  readonly #received: Received;
  #state: ReconnectState = { phase: "reading", attempts: 0 };
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  /** Absent between connections. */
  #connection: Connection | undefined;
  /** The body's reader waits for text. */
  #isWanted = false;
  /** What the body will error with; absent until known. */
  #failure: ResumableFetchError | undefined;
  #heardAt: number;
  /** Media type of the text; absent where its server gives none. */
  readonly #type: string | undefined;
  /** Status of the last answer. */
  #status: number | undefined;
  #cancelTimer: Cancel = () => {};
  /** Aborts with the phase `over`, and takes the listeners back. */
  readonly #over = new AbortController();

  constructor(options: ResumptionOptions) {
    const { platform, response, signal } = options;
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#onEnd = resolve));
    this.#heardAt = platform.clock.now();
    this.#type = typeOf(response);
    this.#received = new Received({
      offset: options.offset,
      isEventStream: this.#type === "text/event-stream",
    });
    this.#connection = connectionOf(response.body);
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#isWanted = true;
          this.#fail();
          this.#read();
        },
        cancel: () => this.#dispatch({ type: "left" }),
      },
      { highWaterMark: 0 },
    );
    platform.onWake((why) => {
      const silentMs = platform.clock.now() - this.#heardAt;
      this.#dispatch({ type: "wake", isQuiet: why === "online" || silentMs > QUIET_MS });
    }, this.#over.signal);
    const onAbort = (): void => {
      this.#dispatch({ type: "left" });
      this.#controller?.error(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, this.#over);
    if (signal?.aborted) onAbort();
  }

  #dispatch(event: ReconnectEvent): void {
    const { state, effect } = stepReconnect(this.#state, event, this.#options.maxAttempts);
    this.#state = state;
    if (!effect) return;
    this.#disconnect();
    switch (effect.type) {
      case "wait":
        return this.#wait(effect.attempt);
      case "connect":
        return this.#connect();
      case "finish":
        return this.#finish(event, effect.code);
    }
  }

  #finish(event: ReconnectEvent, code: ResumableFetchErrorCode | undefined): void {
    this.#over.abort();
    const end = event.type === "ended" ? event.end : undefined;
    this.#onEnd(end);
    if (code) this.#failure = new ResumableFetchError(code, this.#status);
    else if (end) this.#controller?.close();
    this.#fail();
  }

  /**
   * Errors the body where its reader asks for more than there is, for an error discards what nobody has taken; and a turn of
   * the event loop later, for it does so in each pipe behind the body.
   */
  #fail(): void {
    const failure = this.#failure;
    if (failure && this.#isWanted) {
      this.#options.platform.clock.nextTurn(() => this.#controller?.error(failure));
    }
  }

  #disconnect(): void {
    this.#cancelTimer();
    this.#connection?.abort.abort();
    // One that broke can't be cancelled.
    this.#connection?.reader?.cancel().catch(() => {});
    this.#connection = undefined;
  }

  #wait(attempt: number): void {
    const { isOffline, random } = this.#options.platform;
    // What comes online wakes it.
    if (isOffline()) return;
    // Many readers that one server dropped must not come back as one.
    const delayMs = Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS) * (0.5 + random() / 2);
    this.#after(delayMs, { type: "wake", isQuiet: false });
  }

  #after(delayMs: number, event: ReconnectEvent): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.platform.clock.after(delayMs, () => this.#dispatch(event));
  }

  #connect(): void {
    const { request, stallTimeoutMs } = this.#options;
    const connection = connectionOf();
    this.#connection = connection;
    this.#received.reconnect();
    this.#after(stallTimeoutMs, { type: "cut" });
    request(this.#received.offset, connection.abort.signal).then(
      (response) => this.#onAnswer(connection, response),
      () => this.#onCut(connection),
    );
  }

  #onAnswer(connection: Connection, response: Response): void {
    if (connection !== this.#connection) return;
    const { body, headers, status } = response;
    this.#heard();
    this.#status = status;
    connection.reader = body?.getReader();
    const { offset } = this.#received;
    const isOther = Number(headers.get("stream-offset") ?? offset) !== offset;
    const type = typeOf(response);
    // A login page, say. Without a type it can't be told: of two handlers, one may well give none.
    const isPage = status === 200 && type && this.#type && type !== this.#type;
    const answer: ReconnectEvent = isPage
      ? { type: "refused", code: "REFUSED" }
      : judge(status, headers.get("stream-status"));
    this.#dispatch(isOther ? { type: "ended", end: "lost" } : answer);
    this.#read();
  }

  #onCut(connection: Connection): void {
    if (connection === this.#connection) this.#dispatch({ type: "cut" });
  }

  #heard(): void {
    this.#cancelTimer();
    this.#heardAt = this.#options.platform.clock.now();
  }

  /** Reads on where the body's reader waits, and never ahead of it. */
  #read(): void {
    const connection = this.#connection;
    if (!this.#isWanted || !connection?.reader || connection.isReading) return;
    connection.isReading = true;
    // A silence counts from when somebody listens.
    this.#after(this.#options.stallTimeoutMs, { type: "cut" });
    connection.reader.read().then(
      ({ value }) => this.#onRead(connection, value),
      () => this.#onCut(connection),
    );
  }

  #onRead(connection: Connection, bytes: Uint8Array | undefined): void {
    if (connection !== this.#connection) return;
    this.#heard();
    connection.isReading = false;
    if (!bytes)
      return this.#dispatch(this.#received.endsByClosing ? { type: "ended", end: "done" } : { type: "cut" });
    // Half a character at a cut is forgotten: it was never counted.
    const { text, end } = this.#received.push(connection.decoder.decode(bytes, { stream: true }));
    if (text || connection.isAlive) this.#dispatch({ type: "progress" });
    connection.isAlive = true;
    if (text) {
      this.#isWanted = false;
      for (const piece of text.split(afterEvents)) this.#controller?.enqueue(encoder.encode(piece));
    }
    if (end) this.#dispatch({ type: "ended", end });
    else this.#read();
  }
}

function typeOf({ headers }: Response): string | undefined {
  return headers.get("content-type")?.split(";")[0];
}

function connectionOf(body?: Response["body"]): Connection {
  // A byte order mark is a character of the text like any other.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return { abort: new AbortController(), decoder, reader: body?.getReader() };
}
