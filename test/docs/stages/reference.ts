// The examples of docs/api, as programs: what they name is declared, and each is a function's body unless it exports.

import type { Block } from "../markdown.ts";

const known = `
import { after } from "next/server";
import { createServer, type Server } from "node:http";
import { describe, test } from "node:test";
import { Pool } from "pg";
import type { MakeStream, OnEnd, Publisher, ResumableStreamContext, Subscriber } from "resumable-stream";
import { ResumableStreamError } from "resumable-stream";
import { compactUIMessageChunks, createChatHandlers, finishOfStop, foldUIMessage, uiMessageResponse, uiMessageText } from "resumable-stream/ai-sdk";
import { createChatClient } from "resumable-stream/ai-sdk/client";
import { ResumableFetchError, resumableFetch } from "resumable-stream/client";
import { createResumeHandlers, generationOf, streamResponse, toNodeHandler } from "resumable-stream/http";
import { createPgliteResumableStreamContext } from "resumable-stream/pglite";
import { createPostgresResumableStreamContext } from "resumable-stream/postgres";
import { DEFAULT_SCHEMA } from "resumable-stream/postgres/schema";
import { describePubSub, describeTransport, type PubSubPair } from "resumable-stream/testing";
import type { CreateTransport } from "resumable-stream/transport";
declare const context: ResumableStreamContext;
declare const publisher: Publisher;
declare const subscriber: Subscriber;
declare const myTransport: CreateTransport;
declare const pool: Pool;
declare const db: Pool;
declare const server: { close: () => void };
declare const connectionString: string;
declare const error: unknown;
declare const id: string;
declare const offset: number;
declare const textSoFar: string;
declare const lostStreams: { inc: () => void };
interface UIMessage { id: string; role: "user" | "assistant"; parts: { type: string }[] }
declare function loadChat(chatId: string): UIMessage[];
declare function saveChat(chatId: string, messages: UIMessage[]): void;
declare const model: string;
declare const messages: UIMessage[];
declare const text: string;
declare const generation: string;
declare const end: "done";
declare function authorize(request: Request): boolean;
declare function streamId(request: Request): string;
declare function userOf(request: Request): Promise<string>;
declare function ownerOf(chatId: string): Promise<string>;
declare function convertToModelMessages(messages: UIMessage[]): Promise<UIMessage[]>;
declare function streamText(options: { model: string; messages: UIMessage[]; abortSignal: AbortSignal }): {
  toUIMessageStream: () => ReadableStream<{ type: string }>;
};
declare class DefaultChatTransport<Message> {
  constructor(options: { api: string });
  messages: Message[];
}
declare function useChat(options: object): {
  id: string;
  messages: UIMessage[];
  setMessages: (change: (messages: UIMessage[]) => UIMessage[]) => void;
  resumeStream: () => Promise<void>;
};
declare function view(chat: { id: string }, stop: () => Promise<boolean>): unknown;
declare function connectToMine(): PubSubPair;
declare function handler(request: Request): Response;
declare function loadFromStore(): void;
declare function makeAnswer(signal: AbortSignal): ReadableStream<string>;
declare function mayRead(request: Request, streamId: string | null): boolean;
declare function retryLater(): void;
declare function show(text: string): void;
declare function tokens(init: { signal: AbortSignal }): AsyncIterable<string>;
`;

export function isExample({ name }: Block): boolean {
  return name.includes(": Example, block ");
}

export function exampleProgram({ name, code }: Block): string {
  // The page of an entry that has a factory of this name; others show the default one.
  const entry = /resumable-stream\.(generic|ioredis|memory|redis|transport)\.md/.exec(name)?.[1] ?? "redis";
  const given = `${known}import { createResumableStreamContext } from "resumable-stream/${entry}";\n`;
  const source = code.includes("const makeStream") ? "" : "declare const makeStream: MakeStream;\n";
  const body = code.startsWith("export ") ? code : `export async function example() {\n${code}}\n`;
  return `${given}${source}${body}`;
}
