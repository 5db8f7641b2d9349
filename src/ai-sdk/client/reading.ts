// The answers that a page reads of one chat, by the server's marks for them.

import { reasonOf } from "../../client/wait.ts";
import type { PageMessage, ShownChat } from "./types.ts";

/** A page at the moment in which it asked the server. */
export interface Seen {
  /** How many messages were sent. */
  sends: number;
  /** The messages that it showed. */
  ids: ReadonlySet<string>;
}

export class Reading<Message extends PageMessage> {
  readonly chatId: string;
  readonly url: string;
  /** The chat on the page; absent until it is attached. */
  shown: ShownChat<Message> | undefined;
  /** How many messages were sent from here. */
  sends = 0;
  /** Settles with the mark of the answer that is shown last; undefined if the server named none. Never rejects. */
  answer: Promise<string | undefined> = Promise.resolve(undefined);
  /** Settles when no stop is under way, and never rejects: the next question waits for it. */
  stopping: Promise<void> = Promise.resolve();
  /** The mark of the last answer that was read to its end. */
  #read: string | undefined;

  constructor(chatId: string, url: string) {
    this.chatId = chatId;
    this.url = url;
  }

  seen(): Seen {
    return { sends: this.sends, ids: new Set(this.shown?.messages.map(({ id }) => id)) };
  }

  /**
   * Makes a request. One that asks a question is seen through to its answer, also if the page lets go before: only then a stop
   * can name what it stops.
   */
  async follow(
    signal: AbortSignal | undefined,
    isQuestion: boolean,
    ask: (signal: AbortSignal) => Promise<Response>,
  ): Promise<Response> {
    const left = new AbortController();
    let isAnswered = !isQuestion;
    const asked = ask(left.signal);
    const leave = (): void => {
      if (isAnswered) left.abort(signal?.reason);
    };
    const mark = asked.then(
      (response) => markOf(response),
      () => undefined,
    );
    if (isQuestion) this.answer = mark;
    const answered = asked.then((response) => {
      isAnswered = true;
      // Not a page's load that found nothing: it may be older than a question.
      if (!isQuestion && response.status === 200) this.answer = mark;
      return response;
    });
    if (!signal) return answered;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        leave();
        reject(reasonOf(signal));
      };
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort);
      answered.then((response) => {
        resolve(response);
        if (signal.aborted) leave();
      }, reject);
    });
  }

  /** Whether the chat may have more than the page shows, of which nothing runs any more. */
  lacks({ status, headers }: Response): boolean {
    if (status !== 204) return false;
    const isDone = headers.get("stream-status") === "done";
    // An answer that ended badly, and was saved, leaves its id free.
    const isUnanswered = this.shown?.messages.slice(-1)[0]?.role === "user";
    return isUnanswered || (isDone && markOf({ headers }) !== this.#read);
  }

  /**
   * The body of an answer. One that goes on elsewhere, or has ended there, isn't an error for the page: it ends as if let go,
   * at which nothing is sent of itself, and then shows the chat as the server has it.
   */
  body(
    body: ReadableStream<Uint8Array>,
    missed: (error: unknown) => Promise<(() => void) | undefined>,
  ): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    const { answer } = this;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const { done, value } = await reader.read();
            if (!done) return controller.enqueue(value);
            this.#read = await answer;
            return controller.close();
          } catch (error) {
            // If it can't be loaded, the page is told why it needed to be.
            const show = await missed(error).catch(() => undefined);
            if (!show) return controller.error(error);
            controller.error(new DOMException("The answer went on elsewhere.", "AbortError"));
            // Once the page has let go.
            setTimeout(() => {
              show();
              void this.shown?.resumeStream();
            });
          }
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }
}

function markOf({ headers }: Pick<Response, "headers">): string | undefined {
  return headers.get("stream-generation") ?? undefined;
}
