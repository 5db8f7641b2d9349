// What streams are called in the database: their key, and the short name that notifications carry.

/** Postgres' index takes no more than 2704 bytes an entry: a longer id is kept by its beginning and a hash. */
const MAX_KEY_BYTES = 2_400;
const HEAD_UNITS = 200;

const encoder = new TextEncoder();

/** The stream's `stream_id`: `${keyPrefix}:rs:${streamId}`, or a stand-in with `#` for an id that Postgres can't hold. */
export function createKey(keyPrefix: string, streamId: string): string {
  const key = `${keyPrefix}:rs:${streamId}`;
  const isStorable = key.length <= MAX_KEY_BYTES && encoder.encode(key).length <= MAX_KEY_BYTES;
  if (isStorable && !key.includes("\0")) return key;
  const hashes = [1, 2, 3, 4].map((seed) => hash(key, seed));
  return `${cleanHead(keyPrefix)}:rs#${cleanHead(streamId)}#${hashes.join("")}`;
}

/** The name of a stream in notifications. Two streams of one name cost a read, no more. */
export function createHint(key: string): string {
  return hash(key, 0);
}

/**
 * The channel of all producers that share these tables; with the name that a stream or a listener has, its own. At most 63 bytes,
 * as Postgres wants it.
 */
export function createChannel(sessionTable: string): string {
  return `rs_stream_${hash(sessionTable, 0)}`;
}

/** Each stream has a channel of its own for text that is new: it wakes the processes that follow it, and no other. */
export function channelOf(channel: string, name: string): string {
  return `${channel}_${name}`;
}

function cleanHead(text: string): string {
  return text.slice(0, HEAD_UNITS).toWellFormed().replaceAll("\0", "");
}

/** 53 bits in base 36. Not for secrets. */
function hash(text: string, seed: number): string {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 2_654_435_761);
    low = Math.imul(low ^ unit, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & low) + (high >>> 0)).toString(36).padStart(11, "0");
}
