// The script that claims a stream. The record's fields: scripts.ts.

import { PRELUDE } from "./prelude.ts";

/** Of `k`: eight epochs of 16 digits, and what parts them. */
export const MAX_KNOWN = 135;

/**
 * ARGV: lease, mode, ms to live, inbox, how often the app may be given the text (empty: it doesn't want it), "1" if a text it was
 * still to get is given up, name of the request, live channel, command that publishes, when it was asked for, in ms (empty: not
 * known); for the mode `restore` its epoch, and the one that it superseded.
 * Answers nothing if it isn't free; else the time, the epoch, older claims that are owed, "1" if something stood there, its inbox,
 * and its epoch.
 */
export const CLAIM: string = `${PRELUDE}
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
