// The five scripts. Each takes the three keys of a stream, so that a cluster routes and checks them; every check comes before
// the first write, so that a script does all of its work or nothing. The server's clock decides.
//
// The record is a hash:
//   e epoch, in microseconds since 1970 or one above the claim before     n tail, in UTF-16 code units
//   o start of the open tail          l end of the lease, in ms            s how it ended; absent while it runs
//   w watched until, in ms            p the producer's inbox               x a stop: "1", and its reason
//   h how often the app may still be given the text       u until when somebody gives it
//   d older claims whose text the app is still to get     t when the keys expire, in ms
//   q the name of the claim's request    v the epoch that it superseded
//   k claims that were superseded here, the latest first: all that `d` had, and those whose text the app has
//
// Entries of the text are named by their claim and the offset at their end: `<epoch>-<end>`. Their one field is `t` (text) or
// `j` (JSON of text that UTF-8 can't carry).

import { PRELUDE } from "./prelude.ts";

/** Of `k`: eight epochs of 16 digits, and what parts them. */
const MAX_KNOWN = 135;

/**
 * Of a string's room, so that it is had by growth: a half of the rest, with the 6 bytes that a string takes beside its text, fills a
 * size that the allocator has.
 */
const SPARE = 10;

/**
 * ARGV: lease, mode, ms to live, inbox, how often the app may be given the text (empty: it doesn't want it), "1" if a text it was
 * still to get is given up, name of the request, live channel, command that publishes, when it was asked for, in ms (empty: not
 * known); for the mode `restore` its epoch, and the one that it superseded.
 * Answers nothing if it isn't free; else the time, the epoch, older claims that are owed, "1" if something stood there, its inbox,
 * and its epoch.
 */
const CLAIM = `${PRELUDE}
local mode, ttl, handovers = ARGV[2], ARGV[3], ARGV[5]
local was = redis.call('hmget', record, 'e', 's', 'l', 'h', 'u', 'd', 'p', 'n', 'o', 'q', 'v', 'k')
local before = was[1]
-- The same request again: its answer was lost.
if before and was[10] == ARGV[7] and not was[2] then return { whole(now), before, was[6] or '', '1', '', was[11] or '' } end
local isOwed = tonumber(was[4] or 0) > 0
if before then
  if mode == 'restore' then
    if before ~= ARGV[12] then return false end
  else
    -- It waited with its client until after another was made: whoever asked has long been told that it failed. Epochs ahead of
    -- this clock are another server's, which failed over to this one: they don't tell when.
    local at = tonumber(before) / 1000
    if ARGV[10] ~= '' and at > tonumber(ARGV[10]) and at <= now + 1 then return false end
    local isLive = not was[2] and remaining(was[3]) > 0
    local isHandedOver = tonumber(was[5] or 0) > now or isOwed
    if handovers ~= '' and ARGV[6] ~= '1' and not isLive and isHandedOver then return false end
    if mode == 'if-absent' then return false end
    if mode == 'if-free' and (isLive or was[2] == 'done' or was[2] == 'stopped') then return false end
  end
end
local epoch = ARGV[11]
if mode ~= 'restore' then
  epoch = whole(math.max(time[1] * 1000000 + time[2], tonumber(before or 0) + 1))
end
local owed = was[6] or ''
if isOwed then
  owed = owed == '' and before or owed .. ' ' .. before
  -- The last entry is at its tail, also if its text is lost, or none was written: so whoever takes it knows what is missing.
  local n, o = tonumber(was[8]), tonumber(was[9])
  if n > o or n == 0 then
    redis.call('xadd', text, before .. '-' .. was[8], 't', n > o and redis.call('get', tail) or '')
  end
elseif owed == '' then
  redis.call('unlink', text)
end
redis.call('del', record)
redis.call('hset', record, 'e', epoch, 'n', '0', 'o', '0', 'l', whole(now + lease), 't', whole(now + ttl),
  'p', ARGV[4], 'q', ARGV[7], 'v', before or '')
if handovers ~= '' then redis.call('hset', record, 'h', handovers) end
if owed ~= '' then redis.call('hset', record, 'd', owed) end
if before then redis.call('hset', record, 'k', string.sub(before .. ' ' .. (was[12] or ''), 1, ${MAX_KNOWN})) end
redis.call('pexpire', record, ttl)
redis.call('set', tail, '', 'PX', ttl)
redis.call('pexpire', text, ttl)
-- Followers of what stood there, and of what was lost, look again.
if before or mode == 'restore' then redis.pcall(ARGV[9], ARGV[8], epoch .. ' 0 0 - t\\n') end
return { whole(now), epoch, owed, before and '1' or '0', not was[2] and was[7] or '', before or '' }`;

/**
 * ARGV: lease, epoch, tail before, how it ended (empty: it runs on), ms to live, how often the app may be given the text, live
 * channel, command that publishes; then op, offset at its end, and text, as often as needed: `a` appends to the open tail, `s`
 * seals it first, `t` and `j` are an entry each.
 * Answers "ok", the time, "1" if it is watched, and a stop; or "at", the tail, and bytes of the open tail; or "fenced" and the epoch that
 * the record has; or "gone".
 */
const WRITE = `${PRELUDE}
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
local sealed = o
-- Keys that were evicted, or deleted by hand: their text is in the producer's memory still.
if redis.call('exists', tail) == 0 then
  redis.call('set', tail, '', 'PX', whole(math.max(tonumber(is[8]) - now, 1)))
  n = o
  redis.call('hset', record, 'n', whole(n))
end
if o > 0 and redis.call('exists', text) == 0 then
  n, o, sealed = 0, 0, 0
  redis.call('set', tail, '', 'KEEPTTL')
  redis.call('hset', record, 'n', '0', 'o', '0')
end
if n ~= tonumber(ARGV[3]) then return { 'at', whole(n), redis.call('strlen', tail) } end
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
local function append(chunk)
  local length = redis.call('append', tail, chunk)
  local room = roomFor(length)
  if length < 1024 or roomFor(length - #chunk) == room or not redis.set_repl then return end
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
    append(chunk)
  else
    redis.call('xadd', text, epoch .. '-' .. stop, op, chunk)
    o = n
  end
end
local fields = { 'n', whole(n) }
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
return { 'ok', whole(now), isWatched and '1' or '0', is[7] }`;

/**
 * ARGV: lease, offset, code units, "1" if text of a stream that ended well is wanted, too, for how many ms the producer is to know
 * that somebody follows (0: nobody does).
 * Answers nothing, or epoch, tail, start of the open tail, status, ms of the lease, ms of being watched, hand-over, an inbox to
 * tell (empty: none), entries (nothing: all that is asked for is sealed, and XRANGE gives it), the open tail, the time.
 */
const READ = `${PRELUDE}
local is = redis.call('hmget', record, 'e', 'n', 'o', 'l', 's', 'w', 'h', 'u', 'p')
if not is[1] then return false end
local from, units, keep = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
local status, left = is[5], 0
if not status then
  left = remaining(is[4])
  status = left > 0 and 'running' or 'lapsed'
end
local handover = tonumber(is[8] or 0) > now and 'running' or (tonumber(is[7] or 0) > 0 and status ~= 'running' and 'due') or ''
local watched = tonumber(is[6] or 0) - now
local inbox = ''
if keep > 0 and status == 'running' and watched < keep / 2 then
  redis.call('hset', record, 'w', whole(now + keep))
  -- A producer that knew of nobody gathers its text: it learns now that somebody waits for it.
  if watched <= 0 then inbox = is[9] or '' end
  watched = keep
end
local entries, open = {}, ''
if units > 0 and (ARGV[4] == '1' or (status ~= 'done' and status ~= 'stopped')) then
  local n, o = tonumber(is[2]), tonumber(is[3])
  if from + units <= o then
    entries = false
  elseif from < o then
    entries = redis.call('xrange', text, is[1] .. '-' .. whole(from + 1), is[1] .. '-' .. whole(o))
  end
  if n > o and from + units > o then open = redis.call('get', tail) or '' end
end
return { is[1], is[2], is[3], status, whole(left), whole(watched), handover, inbox, entries, open, whole(now) }`;

/**
 * ARGV: lease, the stop, the epoch to stop and no other (empty: whichever runs). Answers nothing if none runs; else epoch and
 * inbox. One whose lease has lapsed is marked as well: its producer may be back in a moment.
 */
const STOP = `${PRELUDE}
local is = redis.call('hmget', record, 'e', 's', 'p')
if not is[1] or is[2] then return false end
if ARGV[3] ~= '' and ARGV[3] ~= is[1] then return false end
redis.call('hset', record, 'x', ARGV[2])
return { is[1], is[3] or '' }`;

/**
 * The app's share. ARGV: lease, op, its argument, epoch.
 * `elect`, for how many ms: answers nothing, or epoch, status, entries, the open tail and the tail's offset of what is due.
 * `handed`, "1" if the app has taken it. `owed`: takes an older claim's text off the list; answers "1" if the record knows of that
 * claim, "1" if it was on the list, and entries. `release`: nobody writes under this claim.
 */
const SETTLE = `${PRELUDE}
local op, epoch = ARGV[2], ARGV[4]
local is = redis.call('hmget', record, 'e', 's', 'l', 'h', 'u', 'd', 'n', 'o', 'k')
-- What the app has taken of a claim that was superseded meanwhile, nobody else gives it.
if op == 'owed' or (op == 'handed' and ARGV[3] == '1' and is[1] ~= epoch) then
  local list, isTaken = {}, false
  for each in string.gmatch(is[6] or '', '%d+') do
    if each == epoch then isTaken = true else list[#list + 1] = each end
  end
  if not isTaken then
    -- A server that lost the claim before it was superseded has nobody give its text to the app.
    local known = is[9] or ''
    local isKnown = is[1] == epoch or #known == ${MAX_KNOWN} or string.find(known, epoch, 1, true)
    return { isKnown and '1' or '0', '0' }
  end
  local entries = redis.call('xrange', text, epoch .. '-0', epoch .. '-18446744073709551615')
  if #list > 0 then
    redis.call('hset', record, 'd', table.concat(list, ' '))
  else
    redis.call('hdel', record, 'd')
    if is[8] == '0' then redis.call('unlink', text) else redis.call('xtrim', text, 'MINID', is[1] .. '-0') end
  end
  return { '1', '1', entries }
end
if not is[1] then return false end
if op == 'elect' then
  if tonumber(is[4] or 0) <= 0 or tonumber(is[5] or 0) > now then return false end
  if not is[2] and remaining(is[3]) > 0 then return false end
  local left = tonumber(is[4]) - 1
  redis.call('hset', record, 'h', whole(left), 'u', whole(now + tonumber(ARGV[3])), 's', is[2] or 'lost')
  local entries = redis.call('xrange', text, is[1] .. '-0', is[1] .. '-18446744073709551615')
  local open = tonumber(is[7]) > tonumber(is[8]) and redis.call('get', tail) or ''
  return { is[1], is[2] or 'lost', entries, open, is[7] }
end
if is[1] ~= epoch then return false end
if op == 'handed' then
  redis.call('hdel', record, 'u')
  if ARGV[3] == '1' then redis.call('hdel', record, 'h')
  elseif tonumber(is[4] or 0) > 1 then redis.call('hset', record, 'h', '1') end
elseif op == 'release' and not is[2] then
  redis.call('hdel', record, 'h')
  redis.call('hset', record, 's', 'lost')
end
return '1'`;

export type ScriptName = "claim" | "write" | "read" | "stop" | "settle";

export const SCRIPTS: Readonly<Record<ScriptName, string>> = {
  claim: CLAIM,
  write: WRITE,
  read: READ,
  stop: STOP,
  settle: SETTLE,
};
