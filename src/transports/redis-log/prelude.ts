// What every script begins with: its keys, the time, and how long a lease lasts.

import { SETTLING_MS } from "../log/outages.ts";

/** ARGV[1] of each is the length of a lease, in ms. */
export const PRELUDE: string = `
local record, tail, text = KEYS[1], KEYS[2], KEYS[3]
local lease = tonumber(ARGV[1])
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
-- How long a lease lasts. While a server was down nobody could renew one: producers get as long to come back. The time since
-- its start has no fractions.
local function remaining(leaseEnd)
  local left = tonumber(leaseEnd) - now
  if left > 0 then return left end
  local info = redis.pcall('info', 'server')
  local uptime = type(info) == 'string' and tonumber(string.match(info, 'uptime_in_seconds:(%d+)'))
  local grace = math.max(lease, ${SETTLING_MS}) + 1000
  if uptime and uptime * 1000 < grace then return grace - uptime * 1000 end
  return left
end
`;
