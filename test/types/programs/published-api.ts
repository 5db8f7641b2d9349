// A program for the published package's types. It compiles against those and, unchanged, against ours.

import { after, type NextRequest } from "next/server";
import {
  createResumableStreamContext,
  resumeStream,
  type CreateResumableStreamContextOptions,
  type Publisher,
  type ResumableStreamContext,
  type Subscriber,
} from "resumable-stream";
import * as generic from "resumable-stream/generic";
import * as ioredis from "resumable-stream/ioredis";
import * as redis from "resumable-stream/redis";

declare function makeTestStream(): ReadableStream<string>;

const streamContext = createResumableStreamContext({ waitUntil: after });

interface RouteContext {
  params: Promise<{ streamId: string }>;
}

export async function PUT(req: NextRequest, { params }: RouteContext): Promise<Response> {
  const { streamId } = await params;
  const resumeAt = req.nextUrl.searchParams.get("resumeAt");
  const stream = await streamContext.resumableStream(
    streamId,
    makeTestStream,
    resumeAt ? parseInt(resumeAt) : undefined,
  );
  if (!stream) return new Response("done", { status: 422 });
  return new Response(stream, { headers: { "Content-Type": "text/event-stream" } });
}

export async function POST(_req: NextRequest, { params }: RouteContext): Promise<Response> {
  const { streamId } = await params;
  const stream = await streamContext.createNewResumableStream(streamId, makeTestStream);
  return new Response(stream);
}

export async function GET(req: NextRequest, { params }: RouteContext): Promise<Response> {
  const { streamId } = await params;
  const resumeAt = req.nextUrl.searchParams.get("resumeAt");
  const stream: ReadableStream<string> | null | undefined = await streamContext.resumeExistingStream(
    streamId,
    resumeAt ? parseInt(resumeAt) : undefined,
  );
  return new Response(stream);
}

export async function HEAD(_req: NextRequest, { params }: RouteContext): Promise<Response> {
  const { streamId } = await params;
  const found: null | true | "DONE" = await streamContext.hasExistingStream(streamId);
  return new Response(null, { status: found === "DONE" ? 204 : found ? 200 : 404 });
}

// Clients of one's own.
const publisher: Publisher = {
  connect: async () => undefined,
  publish: async (_channel: string, _message: string) => 1,
  set: async (_key: string, _value: string, options?: { EX?: number }) => (options?.EX ? "OK" : null),
  get: async (_key: string) => null,
  incr: async (_key: string) => 1,
};
const subscriber: Subscriber = {
  connect: async () => undefined,
  subscribe: async (_channel: string, callback: (message: string) => void) => callback(""),
  unsubscribe: async (_channel: string) => undefined,
};

/** Whoever writes clients of their own may also call them. */
export async function connectBoth(): Promise<void> {
  await publisher.connect();
  await subscriber.connect();
  await subscriber.subscribe("channel", (message: string) => message.length);
  await publisher.publish("channel", "message");
  const value: string | number | null = await publisher.get("key");
  const sum: number = await publisher.incr("key");
  await publisher.set(`${value}`, `${sum}`, { EX: 60 });
}

// Every entry, with every option, held under its type's name.
const options: CreateResumableStreamContextOptions = {
  keyPrefix: "app",
  waitUntil: null,
  publisher,
  subscriber,
  doneWatchdogIntervalMs: 10_000,
};
const redisOptions: redis.CreateResumableStreamContextOptions = options;
const ioredisOptions: ioredis.CreateResumableStreamContextOptions = redisOptions;
const genericOptions: generic.CreateResumableStreamContextOptions = ioredisOptions;
const genericPublisher: generic.Publisher = publisher;
const genericSubscriber: generic.Subscriber = subscriber;
const redisPublisher: redis.Publisher = genericPublisher;
const redisSubscriber: redis.Subscriber = genericSubscriber;
const ioredisPublisher: ioredis.Publisher = redisPublisher;
const ioredisSubscriber: ioredis.Subscriber = redisSubscriber;

export const contexts: ResumableStreamContext[] = [
  createResumableStreamContext(options),
  redis.createResumableStreamContext(redisOptions),
  ioredis.createResumableStreamContext(ioredisOptions),
  generic.createResumableStreamContext(genericOptions),
  generic.createResumableStreamContext({
    waitUntil: (promise: Promise<unknown>) => void promise,
    publisher: ioredisPublisher,
    subscriber: ioredisSubscriber,
  }),
];
export const sameContexts: [
  redis.ResumableStreamContext,
  ioredis.ResumableStreamContext,
  generic.ResumableStreamContext,
] = [streamContext, streamContext, streamContext];

// The call below the context, as every entry exports it.
const followers: (typeof resumeStream)[] = [redis.resumeStream, ioredis.resumeStream, generic.resumeStream];

export async function follow(streamId: string): Promise<(ReadableStream<string> | null)[]> {
  const context = {
    keyPrefix: "app:rs",
    waitUntil: (promise: Promise<unknown>) => void promise,
    subscriber,
    publisher,
    doneWatchdogIntervalMs: 10_000,
  };
  const stream: ReadableStream<string> | null = await resumeStream(context, streamId);
  return [stream, ...(await Promise.all(followers.map((one) => one(context, streamId, 10))))];
}

// The one name that its context has.
export async function clientsOf(context: Parameters<typeof resumeStream>[0]): Promise<number> {
  context.waitUntil(context.subscriber.connect());
  await context.subscriber.subscribe(context.keyPrefix, (message) => message.length);
  await context.publisher.publish(context.keyPrefix, "message");
  return context.publisher.incr(context.keyPrefix);
}
