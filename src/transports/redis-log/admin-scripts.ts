// Scripts for people who look after streams, apart from those that streams need: an app doesn't load them. The keys and the
// first argument are those of the five.

import { PRELUDE } from "./scripts.ts";

/**
 * Tells which texts of a stream are over, and taken by no app. Answers nothing, or epoch, tail, status, end of the lease in ms, how often
 * the app may still be given the text and whether somebody gives it (both empty: none of it is owed), and the time; then two for
 * each older claim that is owed: its epoch, and its tail.
 */
export const OWED: string = `${PRELUDE}
local is = redis.call('hmget', record, 'e', 'n', 's', 'l', 'h', 'u', 'd')
if not is[1] then return false end
local isOver = is[3] or remaining(is[4]) <= 0
local handovers = isOver and is[5] or ''
local answer = { is[1], is[2], is[3] or 'lost', is[4], handovers, tonumber(is[6] or 0) > now and '1' or '', whole(now) }
for epoch in string.gmatch(is[7] or '', '%d+') do
  local last = redis.call('xrevrange', text, epoch .. '-18446744073709551615', epoch .. '-0', 'COUNT', 1)[1]
  answer[#answer + 1] = epoch
  answer[#answer + 1] = last and string.match(last[1], '%d+$') or '0'
end
return answer`;

/** ARGV: lease, epoch. A text that its app has failed to take as often as it is tried is tried once more. */
export const OWE_AGAIN: string = `${PRELUDE}
local is = redis.call('hmget', record, 'e', 's', 'l', 'h', 'u')
if is[1] ~= ARGV[2] or is[4] ~= '0' or tonumber(is[5] or 0) > now then return false end
if not is[2] and remaining(is[3]) > 0 then return false end
redis.call('hset', record, 'h', '1')
return '1'`;

/**
 * ARGV: lease, epoch of a claim that was superseded, and its text as a write has it: op, offset at its end, and text, as often as needed. What an app
 * failed to take is owed as before. Entries have to be added in order, so those of later claims are added anew behind it.
 */
export const GIVE_BACK: string = `${PRELUDE}
local epoch = ARGV[2]
local is = redis.call('hmget', record, 'd', 't')
if not is[2] then return false end
local entries = redis.call('xrange', text, '-', '+')
-- First, because a server without room refuses it, and nothing has been changed by then.
redis.call('hset', record, 'd', is[1] and epoch .. ' ' .. is[1] or epoch)
for at = 3, #ARGV, 3 do
  entries[#entries + 1] = { epoch .. '-' .. ARGV[at + 1], { ARGV[at] == 'j' and 'j' or 't', ARGV[at + 2] } }
end
local function before(one, other)
  local a, b = string.match(one, '^(%d+)-(%d+)$')
  local c, d = string.match(other, '^(%d+)-(%d+)$')
  if a ~= c then return tonumber(a) < tonumber(c) end
  return tonumber(b) < tonumber(d)
end
table.sort(entries, function(one, other) return before(one[1], other[1]) end)
redis.call('unlink', text)
for _, entry in ipairs(entries) do redis.call('xadd', text, entry[1], unpack(entry[2])) end
redis.call('pexpire', text, whole(math.max(tonumber(is[2]) - now, 1)))
return '1'`;
