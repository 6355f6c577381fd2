-- Note that an agent has arrived, and tell whether its channel's members know already.
--
-- KEYS   1 announced
-- ARGV   1 deadline, ms of Redis's clock  2 identity  3 absence that members don't learn of, ms
--        4 expiry, s
-- In `announced`, an agent's score is 0 while it is there, else when it left, in ms.
-- Returns false if they know. Else '', or when it left, which they are still to be told.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
local left_at = redis.call('ZSCORE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[1], 0, ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
if not left_at then return '' end
if left_at == '0' or now - left_at < tonumber(ARGV[3]) then return false end
return left_at
