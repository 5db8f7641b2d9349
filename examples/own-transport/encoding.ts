import { createHash } from "node:crypto";

/** A name that NATS takes: no dots, spaces or wildcards, and short, however long the library's one is. */
export function encodeName(name: string): string {
  return createHash("sha256").update(name).digest("base64url");
}

// The client's own decoder drops a byte order mark, which may be the first character of a message.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
