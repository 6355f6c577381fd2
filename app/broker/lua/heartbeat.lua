-- Say that a process lives, and ask which don't.
--
-- KEYS   1 processes  2 channels of this process
-- ARGV   1 process  2 ms after which one that says nothing is dead  3 expiry, s
-- Returns {score of before, score now, dead process, …}. A score is ms of Redis's clock; that of a
-- process that was buried is negative; '': nothing is known of it.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('ZSCORE', KEYS[1], ARGV[1]) or ''
local score = string.format('%.0f', now)
redis.call('ZADD', KEYS[1], score, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('-%.0f', now - ARGV[3] * 1000), -1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
local answer = {before, score}
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, now - ARGV[2])) do
  answer[#answer + 1] = process
end
return answer
