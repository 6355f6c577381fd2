-- Say that a process lives, and ask which don't.
--
-- KEYS   1 processes  2 channels of this process
-- ARGV   1 process  2 ms after which one that says nothing is dead  3 expiry, s
-- Returns {1 when it was known, dead process, …}.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
local answer = {known}
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])) do
  answer[#answer + 1] = process
end
return answer
