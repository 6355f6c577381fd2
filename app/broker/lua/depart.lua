-- Note that an agent has left, unless it is there by another connection, or members never knew it.
--
-- KEYS   1 announced (see arrive.lua)  2 joined
-- ARGV   1 identity  2 expiry, s

if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
local left_at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if left_at ~= '0' then return 1 end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
