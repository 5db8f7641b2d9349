// The three handlers of a chat's route.

import { checkFunction } from "../api/options.ts";
import type { EndedStream } from "../api/on-end.ts";
import type { ResumableStreamContext } from "../api/types.ts";
import { forbidden, answerOf, endBeforeOf, isOutage, refusalOf } from "../http/answer.ts";
import { background } from "../lib/background.ts";
import { createResumeHandlers, type StreamsOfHandlers } from "../http/handlers.ts";
import { streamResponse } from "../http/response.ts";
import { hasEnded, takeEnds } from "./ends.ts";
import { foldUIMessage } from "./fold.ts";
import type { ChatMessage } from "./messages.ts";
import { postedBy, withAnswer, withQuestion } from "./question.ts";
import { finishOfStop, responseOptions } from "./response.ts";
import { questionOf, uiMessageText } from "./text.ts";
import { ChatTurns } from "./turns.ts";
import type { ChatHandlers, ChatHandlersOptions } from "./types.ts";

/** The part of a context that the handlers use. */
export type StreamsOfChats = StreamsOfHandlers & Pick<ResumableStreamContext, "createNewResumableStream">;

/** An answer that ended a moment ago may still be known as running, and one that is being stopped is being saved. */
const RUNNING_WAIT_MS = 2_000;
/** Longer than an end takes with the default `onEndTimeoutMs`. */
const STOP_WAIT_MS = 30_000;

/**
 * Makes the handlers of a chat's route, for `createChatClient` of `resumable-stream/ai-sdk/client` and `useChat`. A chat's
 * answers are generations of one stream, and each of them is saved once it has ended, however that was.
 *
 * - `POST` takes one message of the user's, saves the chat with it, and answers with the model's. 409 if the chat is being
 *   answered; 400 and 415 for what isn't a question.
 * - `GET` resumes the answer, and with `?messages` gives the chat's messages as JSON.
 * - `DELETE` stops the model, and answers once what there is was saved.
 *
 * Besides: 403 if `authorize` says no, 503 if the backend gave no answer, and the rest as `createResumeHandlers`.
 *
 * @param context - whose streams the answers are. It has no `onEnd` of its own: these handlers set it.
 * @param options - `authorize`, `load`, `save` and `answer` are required.
 * @example
 * export const { POST, GET, DELETE } = createChatHandlers(context, {
 *   authorize: async (request, chatId) => (await userOf(request)) === (await ownerOf(chatId)),
 *   load: (chatId) => loadChat(chatId),
 *   save: (chatId, messages) => saveChat(chatId, messages),
 *   answer: async ({ messages, signal }) =>
 *     streamText({ model, messages: await convertToModelMessages(messages), abortSignal: signal }).toUIMessageStream(),
 * });
 *
 * @throws TypeError naming the option that can't be used, or if the context has an `onEnd`.
 */
export function createChatHandlers<Message extends ChatMessage, Rest extends readonly unknown[] = []>(
  context: StreamsOfChats,
  options: ChatHandlersOptions<Message, Rest>,
): ChatHandlers<Rest> {
  const { chatId: chatIdOf = idOf, authorize, save, answer, validate, prefix, ...others } = options;
  for (const [name, value] of Object.entries({
    chatId: chatIdOf,
    authorize,
    load: options.load,
    save,
    answer,
  })) {
    checkFunction(name, value);
  }
  if (validate !== undefined) checkFunction("validate", validate);
  const start = prefix ?? "chat:";
  const response = responseOptions(others);
  const added = response.headers;
  const atEnd = finishOfStop(others.stopFinish);
  /** Questions whose answer nobody can find yet: a question beside one would cut that off, and a page that loads waits for it. */
  const asking = new ChatTurns();
  // Called once `authorize` has said yes: that a chat is asked something is nobody else's to learn, not by a wait either.
  const untilAsked = (streamId: string): Promise<unknown> =>
    asking.settled(streamId.slice(start.length), RUNNING_WAIT_MS);
  const resume = createResumeHandlers<[chatId: string, ...rest: Rest]>(savedOnce(context, untilAsked), {
    ...response,
    streamId: (_request, ...[chatId]) => start + chatId,
    authorize: (request, _streamId, ...rest) => authorize(request, ...rest),
  });

  const load = async (chatId: string): Promise<Message[]> => {
    const stored: unknown = await options.load(chatId);
    if (Array.isArray(stored)) return stored as Message[];
    throw new TypeError(`load must give an array, [] for a new chat, got ${typeof stored}.`);
  };
  /** The chat's messages are loaded and saved by one at a time. */
  const turns = new ChatTurns();
  takeEnds(context, start, ({ streamId, generation, end, text }: EndedStream) => {
    const chatId = streamId.slice(start.length);
    const all = text === undefined ? "" : text + atEnd(end);
    const message = foldUIMessage<Message>(all, { messageId: generation, end });
    return turns.take(chatId, async () => {
      const messages = withAnswer(await load(chatId), message, questionOf(all));
      await save(chatId, messages, { generation, end, message });
    });
  });

  const busy = (): Response => {
    const own = { "stream-status": "running", "content-type": "text/plain;charset=UTF-8" };
    return answerOf(409, { own, added, message: "The chat is being answered. Stop that first.\n" });
  };
  const post = async (request: Request, chatId: string): Promise<Response> => {
    const posted = await postedBy<Message>(request);
    if ("problem" in posted) return refusalOf(posted.status, posted.problem, added);
    const { message, body } = posted;
    const isValid: unknown = validate ? await validate(message, chatId) : true;
    if (isValid !== true) return refusalOf(400, "The message isn't valid here.\n", added);
    // In the turn in which it is taken: of two at the same moment one is refused.
    if (asking.isTaken(chatId)) return busy();
    return asking.take(chatId, async () => {
      const streamId = start + chatId;
      // An answer may have ended, and its `save` go on beyond its deadline.
      if (!(await isFree(streamId)) || !(await turns.settled(chatId, RUNNING_WAIT_MS))) return busy();
      const messages = await turns.take(chatId, async () => {
        const asked = withQuestion(await load(chatId), message);
        await save(chatId, asked, { generation: undefined, end: undefined, message });
        return asked;
      });
      const stream = await context.createNewResumableStream(streamId, async ({ signal }) =>
        uiMessageText(await answer({ chatId, messages, signal, body }), { questionId: message.id }),
      );
      return streamResponse(stream, { ...response, signal: request.signal });
    });
  };

  /** If that can't be known, the context decides what becomes of an answer. */
  const isFree = async (streamId: string): Promise<boolean> => {
    try {
      return await hasEnded(context, streamId, { withinMs: RUNNING_WAIT_MS });
    } catch (error) {
      if (!isOutage(error)) throw error;
      return true;
    }
  };

  const whereNamed =
    (handle: (request: Request, chatId: string, ...rest: Rest) => Promise<Response>) =>
    async (request: Request, ...rest: Rest): Promise<Response> => {
      const chatId: unknown = await chatIdOf(request, ...rest);
      if (!chatId) return refusalOf(400, "The request names no chat.\n", added);
      // As a part of a stream's id any object would be the same chat.
      if (typeof chatId !== "string") throw new TypeError(`chatId must give a string, got ${typeof chatId}.`);
      try {
        return await handle(request, chatId, ...rest);
      } catch (error) {
        if (!isOutage(error)) throw error;
        return answerOf(503, { own: { "stream-status": "unavailable" }, added });
      }
    };
  const whereAllowed = (handle: (request: Request, chatId: string) => Promise<Response>) =>
    whereNamed(
      async (request, chatId, ...rest) =>
        forbidden(await authorize(request, chatId, ...rest), added) ?? handle(request, chatId),
    );

  const messages = whereAllowed(async (_request, chatId) => {
    const message = JSON.stringify(await load(chatId));
    // WebKit takes a body that names no length, and is cut, for a whole one.
    const length = new TextEncoder().encode(message).length;
    const own = { "content-type": "application/json", "content-length": String(length) };
    return answerOf(200, { own, added, message });
  });

  const resumed = whereNamed(async (request, chatId, ...rest) => {
    const answered = await resume.GET(request, chatId, ...rest);
    const isDone = answered.status === 204 && answered.headers.get("stream-status") === "done";
    // Which answer it was that has ended since: a page that hasn't seen it loads the messages.
    const last = isDone && (await context.lastEnd(start + chatId));
    if (last) answered.headers.set("stream-generation", last.generation);
    return answered;
  });

  return {
    POST: whereAllowed(post),
    GET: (request, ...rest) =>
      new URL(request.url).searchParams.has("messages")
        ? messages(request, ...rest)
        : resumed(request, ...rest),
    DELETE: whereNamed(async (request, chatId, ...rest) => {
      const answered = await resume.DELETE(request, chatId, ...rest);
      if (answered.status !== 200) return answered;
      // The next question must find this answer saved.
      const generation = new URL(request.url).searchParams.get("generation") ?? undefined;
      await hasEnded(context, start + chatId, { generation, withinMs: STOP_WAIT_MS, signal: request.signal });
      return answered;
    }),
  };
}

/**
 * A page that loads has the chat's messages, and in them what has ended: to be given a whole answer again, from its start, would
 * finish it once more. One that failed is given, so that the page learns of that.
 */
function savedOnce(
  context: StreamsOfChats,
  untilAsked: (streamId: string) => Promise<unknown>,
): StreamsOfHandlers {
  return {
    stopStream: async (streamId, options) => {
      await untilAsked(streamId);
      return context.stopStream(streamId, options);
    },
    lastEnd: (...args) => context.lastEnd(...args),
    hasExistingStream: (...args) => context.hasExistingStream(...args),
    resumeExistingStream: async (streamId, from) => {
      await untilAsked(streamId);
      const stream = await context.resumeExistingStream(streamId, from);
      const end = stream && from === 0 ? endBeforeOf(stream) : undefined;
      if (!stream || (end !== "done" && end !== "stopped")) return stream;
      background(stream.cancel(), () => undefined);
      return null;
    },
  };
}

function idOf(request: Request): string | null {
  return new URL(request.url).searchParams.get("id");
}
