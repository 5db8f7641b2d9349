import { connectedClient, type Client } from "./client.ts";
import type { Peer, PeerContext, PeerName } from "./peer.ts";

/** Only the library asked for is loaded, so that neither's memory counts for the other. */
export async function loadPeer(name: PeerName): Promise<Peer> {
  switch (name) {
    case "ours":
      return (await import("./ours.ts")).peer;
    case "kept":
      return (await import("./ours.ts")).kept;
    case "published":
      return (await import("./published.ts")).peer;
  }
}

export interface OpenPeer {
  context: PeerContext;
  publisher: Client;
}

/** A context over two clients that are connected: the handshake isn't part of any row. */
export async function openPeer(name: PeerName, url: string): Promise<OpenPeer> {
  const peer = await loadPeer(name);
  const [publisher, subscriber] = await Promise.all([connectedClient(url), connectedClient(url)]);
  const context = peer.createContext({ publisher, subscriber, keyPrefix: `bench-${name}` });
  return { context, publisher };
}
