-- Say that a process lives, and ask which don't.
--
-- KEYS   1 processes  2 channels of this process
-- ARGV   1 process  2 ms after which one that says nothing is dead  3 expiry, s
--        4 the instant of its last heartbeat, as it was returned
-- Returns {1 when that is still known, the instant of this one, dead process, …}.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = redis.call('ZSCORE', KEYS[1], ARGV[1])
local known = last and tonumber(last) == tonumber(ARGV[4]) and 1 or 0
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
local answer = {known, now}
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])) do
  answer[#answer + 1] = process
end
return answer
