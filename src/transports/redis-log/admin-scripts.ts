// Scripts for people who look after streams, apart from those that streams need: an app doesn't load them. The keys and the
// first argument are those of the five.

import { PRELUDE } from "./prelude.ts";

/**
 * Tells which texts of a stream are over, and taken by no app. Answers nothing, or epoch, tail, status, end of the lease in ms, how often
 * the app may still be given the text and whether somebody gives it (both empty: none of it is owed), and the time; then three for
 * each older claim that is owed: its epoch, its tail, and "running", "due" or "given-up".
 */
export const OWED: string = `${PRELUDE}
local is = redis.call('hmget', record, 'e', 'n', 's', 'l', 'h', 'u', 'd')
if not is[1] then return false end
local isOver = is[3] or remaining(is[4]) <= 0
local handovers = isOver and is[5] or ''
local answer = { is[1], is[2], is[3] or 'lost', is[4], handovers, tonumber(is[6] or 0) > now and '1' or '', whole(now) }
for each in string.gmatch(is[7] or '', '%S+') do
  local epoch, till, left = string.match(each, '^%d+'), string.match(each, ':(%d+):(%d+)$')
  local last = redis.call('xrevrange', text, epoch .. '-18446744073709551615', epoch .. '-0', 'COUNT', 1)[1]
  answer[#answer + 1] = epoch
  answer[#answer + 1] = last and string.match(last[1], '%d+$') or '0'
  answer[#answer + 1] = tonumber(till or 0) > now and 'running' or left == '0' and 'given-up' or 'due'
end
return answer`;

/** ARGV: lease, epoch. A text that its app has failed to take as often as it is tried is tried once more. */
export const OWE_AGAIN: string = `${PRELUDE}
local is = redis.call('hmget', record, 'e', 's', 'l', 'h', 'u', 'd')
if is[1] ~= ARGV[2] then
  local list, isFound = {}, false
  for each in string.gmatch(is[6] or '', '%S+') do
    local till, left = string.match(each, ':(%d+):(%d+)$')
    local isMeant = string.match(each, '^%d+') == ARGV[2] and left == '0' and tonumber(till) <= now
    list[#list + 1] = isMeant and ARGV[2] .. ':0:1' or each
    isFound = isFound or isMeant
  end
  if not isFound then return false end
  redis.call('hset', record, 'd', table.concat(list, ' '))
  return '1'
end
if is[4] ~= '0' or tonumber(is[5] or 0) > now then return false end
if not is[2] and remaining(is[3]) > 0 then return false end
redis.call('hset', record, 'h', '1')
return '1'`;
