// One listening connection for all contexts of a process that share a pool: a context for each request would take them all.
// It listens to the channels that any of them uses, and gives each what it uses.

import { background } from "../../lib/background.ts";
import { shared } from "../../lib/shared.ts";
import type { Listening, ListenRequest } from "./database.ts";
import type { ListeningConnection } from "./listening-connection.ts";

export interface Heard {
  onNotification: (channel: string, payload: string, isUnasked: boolean) => void;
  onLost: (error: unknown) => void;
}

type Open = (heard: Heard) => Promise<ListeningConnection>;

interface SharedListening {
  opening: Promise<ListeningConnection>;
  /** Absent until it is open. */
  connection: ListeningConnection | undefined;
  users: Set<ListenRequest>;
  /** By name, with its users; `listening` settles once it is listened to. */
  channels: Map<string, { users: Set<ListenRequest>; listening: Promise<void> }>;
}

const listenings = shared("listenings.2", () => new WeakMap<object, SharedListening>());

/** Listens by the connection that this process has for the pool, or by one that `open` makes. The last user closes it. */
export async function listenTogether(pool: object, request: ListenRequest, open: Open): Promise<Listening> {
  const together = listenings.get(pool) ?? openShared(pool, open);
  const { channels, users } = together;
  users.add(request);
  const add = (channel: string): Promise<void> => {
    // A connection that is lost has nobody left: who comes to it late is told so by `onLost`.
    if (!users.has(request)) return Promise.resolve();
    const known = channels.get(channel) ?? {
      users: new Set(),
      listening: together.opening.then((connection) => connection.listen(channel)),
    };
    channels.set(channel, known);
    known.users.add(request);
    return known.listening;
  };
  const remove = (channel: string): void => {
    const known = channels.get(channel);
    if (!known?.users.delete(request) || known.users.size > 0) return;
    channels.delete(channel);
    background(
      together.opening.then((connection) => connection.unlisten(channel)),
      () => undefined,
    );
  };
  const close = async (): Promise<void> => {
    for (const channel of channels.keys()) remove(channel);
    const isLast = users.delete(request) && users.size === 0;
    if (!isLast) return;
    forget(pool, together);
    (await together.opening).close();
  };
  try {
    await together.opening;
    await Promise.all(request.channels.map(add));
  } catch (error) {
    users.delete(request);
    throw error;
  }
  return { add, remove, close };
}

/** The connection of this process that listens, if it is one of the pool's; undefined if there is none. */
export function listeningOver(pool: object): ListeningConnection | undefined {
  return listenings.get(pool)?.connection;
}

function openShared(pool: object, open: Open): SharedListening {
  const users = new Set<ListenRequest>();
  const channels: SharedListening["channels"] = new Map();
  const opening = open({
    onNotification: (channel, payload, isUnasked) => {
      for (const user of channels.get(channel)?.users ?? []) user.onNotification(payload, isUnasked);
    },
    onLost: (error) => {
      forget(pool, together);
      const told = [...users];
      users.clear();
      channels.clear();
      for (const user of told) user.onLost(error);
    },
  });
  const together: SharedListening = { opening, connection: undefined, users, channels };
  listenings.set(pool, together);
  background(
    opening.then((connection) => {
      together.connection = connection;
    }),
    () => forget(pool, together),
  );
  return together;
}

function forget(pool: object, together: SharedListening): void {
  if (listenings.get(pool) === together) listenings.delete(pool);
}
