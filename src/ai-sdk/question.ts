// A page posts one message of the user's. The server knows the rest of the chat.

import { type ChatMessage, isObject } from "./messages.ts";

/** A request's question, or what is wrong with it. */
export type Posted<Message> =
  | { message: Message; body: Record<string, unknown> }
  | { status: 400 | 415; problem: string };

export async function postedBy<Message extends ChatMessage>(request: Request): Promise<Posted<Message>> {
  // Another site's page can send a form or a text here, and no JSON.
  if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? "")) {
    return { status: 415, problem: "Send application/json.\n" };
  }
  const posted = await jsonOf(request);
  if (!isObject(posted)) return { status: 400, problem: "Send an object.\n" };
  const { message, ...body } = posted;
  if (!isQuestion(message)) {
    return { status: 400, problem: "Send a message of the user's, with an id and parts.\n" };
  }
  const { id, role, parts, metadata } = message;
  // Nothing else of it is kept. Its parts are the app's own, as far as its `validate` says so.
  const question: ChatMessage = { id, role, parts, ...(metadata !== undefined && { metadata }) };
  return { message: question as Message, body };
}

async function jsonOf(request: Request): Promise<unknown> {
  try {
    return (await request.json()) as unknown;
  } catch {
    return undefined;
  }
}

function isQuestion(value: unknown): value is ChatMessage {
  if (!isObject(value)) return false;
  const { id, role, parts } = value;
  const hasParts = Array.isArray(parts) && parts.length > 0;
  return (
    typeof id === "string" &&
    id !== "" &&
    role === "user" &&
    hasParts &&
    parts.every((part) => isObject(part) && typeof part["type"] === "string")
  );
}

/** The chat with its next question. One that is there already is asked again: what came after it is gone. */
export function withQuestion<Message extends ChatMessage>(
  stored: readonly Message[],
  question: Message,
): Message[] {
  const at = stored.findIndex(({ id }) => id === question.id);
  return [...(at < 0 ? stored : stored.slice(0, at)), question];
}

/**
 * The chat with an answer: in the place of the one with its id, or else behind its question, which may not be the last one by
 * now, or else at the end.
 */
export function withAnswer<Message extends ChatMessage>(
  stored: readonly Message[],
  answer: Message | undefined,
  questionId: string | undefined,
): Message[] {
  if (!answer) return [...stored];
  const known = stored.findIndex(({ id }) => id === answer.id);
  if (known >= 0) return stored.map((message, index) => (index === known ? answer : message));
  const asked = stored.findIndex(({ id }) => id === questionId);
  const at = asked < 0 ? stored.length : asked + 1;
  return [...stored.slice(0, at), answer, ...stored.slice(at)];
}
