// Every subpath, as a user names it.

import * as root from "resumable-stream";
import { createResumableStreamContext as overRedis } from "resumable-stream/redis";
import { createResumableStreamContext as overIoredis } from "resumable-stream/ioredis";
import { createResumableStreamContext as overGeneric } from "resumable-stream/generic";
import { createResumableStreamContext as inMemory } from "resumable-stream/memory";
import { createPostgresResumableStreamContext } from "resumable-stream/postgres";
import { DEFAULT_SCHEMA } from "resumable-stream/postgres/schema";
import { createPgliteResumableStreamContext } from "resumable-stream/pglite";
import { createResumeHandlers, endOf, streamResponse, toNodeHandler } from "resumable-stream/http";
import { resumableFetch } from "resumable-stream/client";
import { createChatHandlers } from "resumable-stream/ai-sdk";
import { createChatClient } from "resumable-stream/ai-sdk/client";
import { createResumableStreamContext as overTransport } from "resumable-stream/transport";
import { describePubSub } from "resumable-stream/testing";

const schema: string = DEFAULT_SCHEMA;

export const entries: readonly unknown[] = [
  root.createResumableStreamContext,
  overRedis,
  overIoredis,
  overGeneric,
  inMemory,
  createPostgresResumableStreamContext,
  schema,
  createPgliteResumableStreamContext,
  createResumeHandlers,
  endOf,
  streamResponse,
  toNodeHandler,
  resumableFetch,
  createChatHandlers,
  createChatClient,
  overTransport,
  describePubSub,
];
