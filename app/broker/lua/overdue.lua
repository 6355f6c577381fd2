-- Take over statuses that are overdue; nobody else gets them before they are overdue again.
--
-- KEYS   1 status queue
-- ARGV   1 how long a status must have been due, ms  2 how many at most
-- Returns their channels.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local late = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'LIMIT', 0, ARGV[2])
for _, channel in ipairs(late) do redis.call('ZADD', KEYS[1], now, channel) end
return late
