// The five scripts. Each takes the three keys of a stream, so that a cluster routes and checks them; every check comes before
// the first write, or undoes it, so that a script does all of its work or nothing. The server's clock decides.
//
// The record is a hash:
//   e epoch, in microseconds since 1970 or one above the claim before     n tail, in UTF-16 code units
//   o start of the open tail          l end of the lease, in ms            s how it ended; absent while it runs
//   w watched until, in ms            p the producer's inbox               x a stop: "1", and its reason
//   h how often the app may still be given the text       u until when somebody gives it
//   d older claims whose text the app is still to get, each an epoch, or `<epoch>:<until when somebody gives it>:<how often still>`
//   t when the keys expire, in ms
//   q the name of the claim's request    v the epoch that it superseded
//   k claims that were superseded here, the latest first: all that `d` had, and those whose text the app has
//
// Entries of the text are named by their claim and the offset at their end: `<epoch>-<end>`. Their one field is `t` (text) or
// `j` (JSON of text that UTF-8 can't carry).

import { MAX_HANDOVERS } from "../log/handovers.ts";
import { CLAIM, MAX_KNOWN } from "./claim-script.ts";
import { PRELUDE } from "./prelude.ts";
import { WRITE } from "./write-script.ts";

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
 * `owed`, for how many ms: elects for an older claim; answers "taken" and entries, or "elsewhere" and for how many ms somebody still
 * has, or "unknown". `handed`, "1" if the app has taken either. `release`: nobody writes under this claim.
 */
const SETTLE = `${PRELUDE}
local op, epoch = ARGV[2], ARGV[4]
local is = redis.call('hmget', record, 'e', 's', 'l', 'h', 'u', 'd', 'n', 'o', 'k')
if op == 'owed' or (op == 'handed' and is[1] ~= epoch) then
  local list, place = {}, nil
  for each in string.gmatch(is[6] or '', '%S+') do
    local isMeant = string.match(each, '^%d+') == epoch
    -- A claim that was restored after it was superseded, and superseded once more, stands there twice.
    if not isMeant or not place then list[#list + 1] = each end
    if isMeant then place = place or #list end
  end
  if not place then
    -- A server that lost the claim before it was superseded has nobody give its text to the app.
    local known = is[9] or ''
    local isKnown = is[1] == epoch or #known == ${MAX_KNOWN} or string.find(known, epoch, 1, true)
    return { isKnown and 'elsewhere' or 'unknown', '0' }
  end
  local till, left = string.match(list[place], ':(%d+):(%d+)$')
  left = tonumber(left or ${MAX_HANDOVERS})
  if op == 'owed' then
    local rest = tonumber(till or 0) - now
    if rest > 0 or left <= 0 then return { 'elsewhere', whole(math.max(rest, 0)) } end
    list[place] = epoch .. ':' .. whole(now + tonumber(ARGV[3])) .. ':' .. whole(left - 1)
  elseif ARGV[3] == '1' then
    table.remove(list, place)
  else
    list[place] = epoch .. ':0:' .. whole(math.min(left, 1))
  end
  if #list > 0 then redis.call('hset', record, 'd', table.concat(list, ' ')) end
  if op == 'owed' then
    return { 'taken', redis.call('xrange', text, epoch .. '-0', epoch .. '-18446744073709551615') }
  end
  if #list == 0 then
    redis.call('hdel', record, 'd')
    if is[8] == '0' then redis.call('unlink', text) else redis.call('xtrim', text, 'MINID', is[1] .. '-0') end
  end
  return '1'
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
