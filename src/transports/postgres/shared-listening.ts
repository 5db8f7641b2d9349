// One listening connection for all contexts of a process that share a pool: a context for each request would take them all.

import { background } from "../../lib/background.ts";
import { shared } from "../../lib/shared.ts";
import type { Listening, ListenRequest } from "./database.ts";

interface SharedListening {
  opening: Promise<Listening>;
  users: Set<ListenRequest>;
}

type Open = (request: ListenRequest) => Promise<Listening>;

const listenings = shared("listenings.1", () => new WeakMap<object, Map<string, SharedListening>>());

/** Listens by the connection that this process has for the pool and the channel, or by one that `open` makes. The last user closes it. */
export async function listenTogether(pool: object, request: ListenRequest, open: Open): Promise<Listening> {
  const ofPool = listenings.get(pool) ?? new Map<string, SharedListening>();
  listenings.set(pool, ofPool);
  const listening = ofPool.get(request.channel) ?? openShared(ofPool, request, open);
  listening.users.add(request);
  const leave = async (): Promise<void> => {
    const isLast = listening.users.delete(request) && listening.users.size === 0;
    if (!isLast) return;
    forget(ofPool, request.channel, listening);
    await (await listening.opening).close();
  };
  try {
    await listening.opening;
  } catch (error) {
    listening.users.delete(request);
    throw error;
  }
  return { close: leave };
}

function openShared(
  ofPool: Map<string, SharedListening>,
  { channel, timeoutMs }: ListenRequest,
  open: Open,
): SharedListening {
  const users = new Set<ListenRequest>();
  const opening = open({
    channel,
    timeoutMs,
    onNotification: (payload) => {
      for (const user of users) user.onNotification(payload);
    },
    onLost: (error) => {
      forget(ofPool, channel, listening);
      const told = [...users];
      users.clear();
      for (const user of told) user.onLost(error);
    },
  });
  const listening: SharedListening = { opening, users };
  ofPool.set(channel, listening);
  background(opening, () => forget(ofPool, channel, listening));
  return listening;
}

function forget(ofPool: Map<string, SharedListening>, channel: string, listening: SharedListening): void {
  if (ofPool.get(channel) === listening) ofPool.delete(channel);
}
