// Where a question and an answer stand among a chat's messages.

import { expect, test } from "vitest";
import { withAnswer, withQuestion } from "../../src/ai-sdk/question.ts";
import { questionOf } from "../../src/ai-sdk/text.ts";
import { type Message, question } from "./chats.ts";

const answer = (id: string, text = "Hi"): Message => ({
  id,
  role: "assistant",
  parts: [{ type: "text", text }],
});
const ids = (messages: Message[]): string => messages.map(({ id }) => id).join(" ");
const chat = [question("q1"), answer("a1"), question("q2")];

test("a new question stands at the end", () => {
  expect(ids(withQuestion(chat, question("q3")))).toBe("q1 a1 q2 q3");
  expect(ids(withQuestion([], question("q1")))).toBe("q1");
});

test("one that is known takes its place again, and nothing stands behind it", () => {
  const [again, ...rest] = withQuestion(chat, question("q1", "Anew"));
  expect(again).toEqual(question("q1", "Anew"));
  expect(rest).toEqual([]);
});

test("an answer stands behind its question, wherever that is", () => {
  expect(ids(withAnswer(chat, answer("a2"), "q2"))).toBe("q1 a1 q2 a2");
  expect(ids(withAnswer([...chat, question("q3")], answer("a2"), "q2"))).toBe("q1 a1 q2 a2 q3");
  expect(ids(withAnswer(chat, answer("a2"), undefined))).toBe("q1 a1 q2 a2");
});

test("saved a second time it stands once, as it is by then", () => {
  const once = withAnswer(chat, answer("a2", "half"), "q2");
  const twice = withAnswer(once, answer("a2", "whole"), "q2");
  expect(ids(twice)).toBe("q1 a1 q2 a2");
  expect(twice.at(-1)).toEqual(answer("a2", "whole"));
});

test("one to a question that is gone stands nowhere but at the end, and none changes nothing", () => {
  expect(ids(withAnswer(chat, answer("a9"), "q9"))).toBe("q1 a1 q2 a9");
  expect(withAnswer(chat, undefined, "q2")).toEqual(chat);
});

test("what is given isn't changed", () => {
  const before = structuredClone(chat);
  withQuestion(chat, question("q1", "Anew"));
  withAnswer(chat, answer("a1", "other"), "q1");
  expect(chat).toEqual(before);
});

test("a text names its question, and one that broke off in that names none", () => {
  const text = ': question="q1"\n\ndata: {"type":"start"}\n\n';
  expect(questionOf(text)).toBe("q1");
  for (const cut of [0, 5, 12, 14]) expect(questionOf(text.slice(0, cut))).toBe(undefined);
  expect(questionOf("data: 1\n\n")).toBe(undefined);
});
