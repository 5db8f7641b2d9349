// The saves of an app's processes, the words of its model, and the judge of both.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { callsIn, isWhole } from "../../ai-sdk/chat.ts";
import { until } from "../../support/wait.ts";

interface Message {
  id: string;
  role: "user" | "assistant";
  parts: { type: string; text?: string }[];
}

interface Save {
  chatId: string;
  messages: Message[];
}

/** A call of the model. */
export interface Call {
  call: number;
  /** The process that made it. */
  pid: number;
  question: string;
  /** How many words it has said. */
  said: number;
  /** Absent while it runs, and if its process died. */
  end?: "whole" | "aborted";
}

export const textOf = ({ parts }: Message): string => parts.map(({ text = "" }) => text).join("");

export class Journal {
  /** Where processes find its files. */
  readonly env: { SAVES: string; CALLS: string; TOLD: string };

  constructor(folder: string, name: string) {
    const file = (what: string): string => join(folder, `${name}-${what}`);
    this.env = { SAVES: file("saves.jsonl"), CALLS: file("calls.jsonl"), TOLD: file("told") };
  }

  /** All saves of a chat, the last one at the end. */
  saves(chatId: string): Message[][] {
    const saves = linesOf(this.env.SAVES) as Save[];
    return saves.filter((save) => save.chatId === chatId).map(({ messages }) => messages);
  }

  /** The chat as its store has it. */
  stored(chatId: string): Message[] {
    return this.saves(chatId).at(-1) ?? [];
  }

  answers(chatId: string): string[] {
    return this.stored(chatId)
      .filter(({ role }) => role === "assistant")
      .map(textOf);
  }

  get calls(): Call[] {
    const calls = new Map<number, Call>();
    for (const line of linesOf(this.env.CALLS) as (Partial<Call> & { call: number })[]) {
      const known = calls.get(line.call) ?? { pid: 0, question: "", said: 0 };
      calls.set(line.call, { ...known, ...line });
    }
    return [...calls.values()];
  }

  callOf(question: string): Call | undefined {
    return this.calls.find((call) => call.question === question);
  }

  /** Tells the model to end its answer. */
  tellToEnd(question: string): void {
    appendFileSync(this.env.TOLD, `${question}\n`);
  }

  /** Waits for the model to have said so many words to a question, or all of them. */
  async untilSaid(question: string, words: number): Promise<Call> {
    const isThere = (call: Call): boolean =>
      call.question === question && (call.said >= words || call.end !== undefined);
    return until(() => this.calls.find(isThere), {
      what: `${words} words to "${question}"`,
      withinMs: 30_000,
    });
  }

  /** What is wrong with the chat's store: nothing, or it was wrong in one of its saves. */
  problemsOf(chatId: string): string[] {
    const { calls } = this;
    const saves = this.saves(chatId);
    return saves.flatMap((messages, at) => [
      ...problemsOfList(messages, calls),
      ...lossesOf(saves[at - 1] ?? [], messages),
    ]);
  }
}

/** Each answer once, the words of one call from the first on, and behind its own question. */
function problemsOfList(messages: readonly Message[], calls: readonly Call[]): string[] {
  const problems: string[] = [];
  const ids = messages.map(({ id }) => id);
  if (new Set(ids).size < ids.length) problems.push(`An id is there twice: ${ids.join(" ")}`);
  const seen = new Set<number>();
  for (const [at, message] of messages.entries()) {
    if (message.role === "user") continue;
    const text = textOf(message);
    const [number = -1, ...others] = callsIn(text);
    const call = calls.find((one) => one.call === number);
    if (others.length > 0) problems.push(`A mixture: ${text}`);
    if (!isWhole(text)) problems.push(`Words are missing: ${text}`);
    if (seen.has(number)) problems.push(`An answer is there twice: ${number}`);
    seen.add(number);
    const question = messages[at - 1];
    if (!call || !question || textOf(question) !== call.question) {
      problems.push(`The answer to "${call?.question}" stands behind "${question && textOf(question)}"`);
    }
  }
  return problems;
}

/** A message that was saved stays, and stays as it was. */
function lossesOf(before: readonly Message[], after: readonly Message[]): string[] {
  return before.flatMap((message) => {
    const now = after.find(({ id }) => id === message.id);
    const isKept = now !== undefined && textOf(now) === textOf(message);
    return isKept ? [] : [`A save lost or changed "${textOf(message)}": "${now && textOf(now)}"`];
  });
}

function linesOf(path: string): unknown[] {
  if (!existsSync(path)) return [];
  // The last line may be on its way.
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as unknown);
}
