-- Take over what others owe, for as long as they may before somebody else does.
--
-- KEYS   1 owed
-- ARGV   1 how long it must have been owed, ms  2 most of them
-- Returns channels.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local late = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'LIMIT', 0, ARGV[2])
for _, channel in ipairs(late) do redis.call('ZADD', KEYS[1], now, channel) end
return late
