// A Redis connection as the relay's ports.

import { type PublishPort, type StatusRecords, type SubscribePort } from "../relay/ports.ts";
import { claimValue, DONE, endKey, endValue, parseEnd, parseRecord } from "../relay/record.ts";
import type { RedisConnection } from "./redis-connection.ts";

// KEYS[1] the record, KEYS[2] its end, if it has a key; ARGV[1] its claim, ARGV[2] "DONE", ARGV[3] seconds to live, ARGV[4] how
// its text ended. Returns 1, or 0 if a newer claim holds the record. Written first and put back in that rare case, so that the
// common one is two inner commands. An end that is kept of a newer claim stays: this one's came late.
const FINISH = `
local was = redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3], 'GET')
if not was or was == ARGV[1] or was == ARGV[2] then
  if KEYS[2] then
    local kept = was ~= ARGV[1] and redis.call('get', KEYS[2])
    local newer = kept and tonumber(string.match(kept, '^e(%d+)') or 0) > tonumber(string.match(ARGV[4], '^e(%d+)'))
    if not newer then redis.call('set', KEYS[2], ARGV[4], 'EX', ARGV[3]) end
  end
  return 1
end
redis.call('set', KEYS[1], was, 'EX', ARGV[3])
return 0`;

// KEYS[1] the record; ARGV[1] its claim, ARGV[2] seconds to live. Returns 1, or 0 if it says something else.
const RENEW = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('expire', KEYS[1], ARGV[2]) end
return 0`;

// KEYS[1] the record; ARGV[1] what it must say. Returns 1, or 0 if it says something else.
const FREE_IF = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`;

export function redisPublishPort(connection: RedisConnection): PublishPort {
  return {
    isOrdered: !connection.isCluster,
    publish: async (channel, message) => {
      const receivers = await connection.command(["PUBLISH", channel, message], channel);
      return typeof receivers === "number" && !connection.isCluster ? receivers : undefined;
    },
    records: redisRecords(connection),
    onReconnect: (listener) => connection.onReconnect(listener),
    isClosed: () => connection.isClosed?.() === true,
  };
}

export function redisSubscribePort(connection: RedisConnection): SubscribePort {
  return {
    subscribe: (channel, onMessage) => connection.subscribe(channel, onMessage),
    unsubscribe: (channel) => connection.unsubscribe(channel),
    onReconnect: (listener) => connection.onReconnect(listener),
  };
}

function redisRecords(connection: RedisConnection): StatusRecords {
  return {
    get: async (key) => parseRecord(await connection.command(["GET", key], key)),
    claimIfFree: async (key, { epoch, ttlSeconds }) => {
      // One command claims, names the claim and lets it expire: no moment in which a record lives for ever.
      const words = ["SET", key, claimValue(epoch), "EX", String(ttlSeconds), "NX"];
      const answer = await connection.command(words, key);
      if (answer !== null || !connection.isCluster) return answer !== null;
      // A cluster's nodes come and go while the connection stays: it may have been sent twice, and be refused because of itself.
      const record = parseRecord(await connection.command(["GET", key], key));
      return record.status === "claimed" && record.epoch === epoch;
    },
    replace: async (key, { epoch, ttlSeconds }) => {
      const words = ["SET", key, claimValue(epoch), "EX", String(ttlSeconds), "GET"];
      return parseRecord(await connection.command(words, key));
    },
    renew: async (key, { epoch, ttlSeconds }) => {
      await connection.command(["EVAL", RENEW, "1", key, claimValue(epoch), String(ttlSeconds)], key);
    },
    lastEnd: async (key) => {
      const beside = endKey(key);
      if (beside === undefined) return undefined;
      const value = await besideOr(null, () => connection.command(["GET", beside], beside));
      return parseEnd(value);
    },
    finish: async (key, { epoch, ttlSeconds }, last) => {
      const beside = endKey(key);
      const values = [claimValue(epoch), DONE, String(ttlSeconds), endValue(last)];
      const finish = (...keys: string[]): Promise<unknown> =>
        connection.command(["EVAL", FINISH, String(keys.length), ...keys, ...values], key);
      const both = beside === undefined ? NOT_BESIDE : await besideOr(NOT_BESIDE, () => finish(key, beside));
      return Number(both === NOT_BESIDE ? await finish(key) : both) === 1;
    },
    freeIf: async (key, raw) => Number(await connection.command(["EVAL", FREE_IF, "1", key, raw], key)) === 1,
  };
}

/** Stands for an answer if nothing can be kept beside a record. */
const NOT_BESIDE = Symbol("not beside");

/**
 * What `act` answers, or `fallback` if this user may not touch the key beside the record, or a prefix of the client's own has put
 * it on another node: a stream has to end without it.
 */
async function besideOr<T>(fallback: T, act: () => Promise<unknown>): Promise<unknown> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Error && /^(NOPERM|CROSSSLOT)\b/.test(error.message)) return fallback;
    throw error;
  }
}
