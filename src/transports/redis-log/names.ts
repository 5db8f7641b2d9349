// Keys and channels of a log over Redis. The three keys of a stream share a hash tag: one node has them, and one script may
// change them together.

export interface LogKeys {
  /** A hash: the stream's record. */
  record: string;
  /** A string that grows: the text from the record's `o` on. */
  tail: string;
  /** A Redis stream: the text before that, and text of older claims that an app is still to get. Absent while all fits the tail. */
  text: string;
}

/** `log:` keeps the tag from being empty for an id that begins with a brace; an empty one would part the keys. */
export function keyOf(keyPrefix: string, streamId: string): string {
  return `${keyPrefix}:rs:{log:${streamId}}`;
}

/** Of a record's key under the prefix; undefined for any other. Those beside it have something behind the brace. */
export function streamIdOf(keyPrefix: string, key: string): string | undefined {
  const beginning = keyOf(keyPrefix, "").slice(0, -1);
  return key.startsWith(beginning) && key.endsWith("}") ? key.slice(beginning.length, -1) : undefined;
}

export function keysOf(key: string): LogKeys {
  return { record: key, tail: `${key}:tail`, text: `${key}:text` };
}

/** Live text, published only while somebody follows. */
export function liveChannelOf(key: string): string {
  return `${key}:live`;
}

/** The channel on which one producing context is asked to look at records. Messages are keys. */
export function inboxOf(keyPrefix: string, name: string): string {
  return `${keyPrefix}:rs:inbox:${name}`;
}
