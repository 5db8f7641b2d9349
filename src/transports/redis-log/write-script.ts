// The script that writes text, and the end. The record's fields: scripts.ts.

import { PRELUDE } from "./prelude.ts";

/**
 * Of a string's room, so that it is had by growth: a half of the rest, with the 6 bytes that a string takes beside its text, fills a
 * size that the allocator has.
 */
const SPARE = 10;

/**
 * ARGV: lease, epoch, tail before, how it ended (empty: it runs on), ms to live, how often the app may be given the text, live
 * channel, command that publishes; then op, offset at its end, and text, as often as needed: `a` appends to the open tail, `s`
 * seals it first, `t` and `j` are an entry each.
 * Answers "ok", the time, "1" if it is watched, and a stop; or "at", the tail, and bytes of the open tail; or "fenced" and the epoch that
 * the record has; or "gone".
 */
export const WRITE: string = `${PRELUDE}
local epoch, ended, ttl = ARGV[2], ARGV[4], tonumber(ARGV[5])
local is = redis.call('hmget', record, 'e', 'n', 'o', 'l', 's', 'w', 'x', 't')
if not is[1] then return { 'gone' } end
if is[1] ~= epoch then return { 'fenced', is[1] } end
if is[5] then
  -- Its own end, whose answer was lost.
  if is[5] == ended then return { 'ok', whole(now), '0' } end
  return { 'fenced', is[1] }
end
local n, o = tonumber(is[2]), tonumber(is[3])
local sealed, expected = o, tonumber(ARGV[3])
-- Text that joins what the tail has is added at once: by the length that comes of it the server tells whether the tail was there.
local joined = n > o and n == expected and ARGV[9] == 'a' and redis.call('append', tail, ARGV[11])
-- Keys that were evicted, or deleted by hand: their text is in the producer's memory still.
local isGone = joined and joined == #ARGV[11] or not joined and redis.call('exists', tail) == 0
local isTextGone = o > 0 and redis.call('exists', text) == 0
if isGone or isTextGone then
  if isTextGone then o, sealed = 0, 0 end
  n = o
  redis.call('set', tail, '', 'PX', whole(math.max(tonumber(is[8]) - now, 1)))
  redis.call('hset', record, 'n', whole(n), 'o', whole(o))
end
if n ~= expected then return { 'at', whole(n), redis.call('strlen', tail) } end
local function seal()
  if n == o then return end
  redis.call('xadd', text, epoch .. '-' .. whole(n), 't', redis.call('get', tail))
  redis.call('set', tail, '', 'KEEPTTL')
  o = n
end
-- A string that outgrows its room gets room for twice its length. A tail gets less: it grows once more, from half of the room that
-- it is to have. Its text stays the same, so that neither a replica nor a file is told.
local function roomFor(length)
  return math.min(math.ceil((length + ${SPARE} - 512) / 1024) * 1024 + 512, 4096)
end
local function makeRoom(length, added)
  local room = roomFor(length)
  if length < 1024 or roomFor(length - added) == room or not redis.set_repl then return end
  local whole, half = redis.call('get', tail), (room - ${SPARE}) / 2 - 1
  redis.set_repl(redis.REPL_NONE)
  redis.call('set', tail, string.sub(whole, 1, half), 'KEEPTTL')
  redis.call('append', tail, string.sub(whole, half + 1, half + 1))
  redis.call('append', tail, string.sub(whole, half + 2))
  redis.set_repl(redis.REPL_ALL)
end
local isWatched = tonumber(is[6] or 0) > now
local messages = {}
for at = 9, #ARGV, 3 do
  local op, stop, chunk = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if isWatched then
    local last = at + 3 > #ARGV and ended ~= '' and ended or '-'
    messages[#messages + 1] = epoch .. ' ' .. whole(n) .. ' ' .. stop .. ' ' .. last .. (op == 'j' and ' j\\n' or ' t\\n') .. chunk
  end
  if op ~= 'a' then seal() end
  n = tonumber(stop)
  if op == 'a' or op == 's' then
    makeRoom(joined or redis.call('append', tail, chunk), #chunk)
    joined = false
  else
    redis.call('xadd', text, epoch .. '-' .. stop, op, chunk)
    o = n
  end
end
local fields = { 'n', #ARGV > 8 and ARGV[#ARGV - 1] or whole(n) }
local function note(name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end
if o ~= sealed then note('o', whole(o)) end
-- Written only once the lease has lost an eighth: that is a quarter of what goes to an append-only file.
if tonumber(is[4]) - now < lease * 7 / 8 then note('l', whole(now + lease)) end
local expires = tonumber(is[8])
if ended ~= '' or expires - now < ttl / 2 then
  expires = now + ttl
  note('t', whole(expires))
  redis.call('pexpire', record, ttl)
  redis.call('pexpire', tail, ttl)
  redis.call('pexpire', text, ttl)
elseif sealed == 0 and o > 0 then
  redis.call('pexpire', text, whole(math.max(expires - now, 1)))
end
if ended ~= '' then
  note('s', ended)
  if ARGV[6] == '' then redis.call('hdel', record, 'h') else note('h', ARGV[6]) end
  -- A string that grew has room for twice its text: nothing is added to it any more.
  if n == o then redis.call('del', tail) else redis.call('set', tail, redis.call('get', tail), 'KEEPTTL') end
  if isWatched and #messages == 0 then
    messages[1] = epoch .. ' ' .. whole(n) .. ' ' .. whole(n) .. ' ' .. ended .. ' t\\n'
  end
end
redis.call('hset', record, unpack(fields))
for _, message in ipairs(messages) do redis.pcall(ARGV[8], ARGV[7], message) end
return { 'ok', now, isWatched and '1' or '0', is[7] }`;
