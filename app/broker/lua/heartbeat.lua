-- Record a process's heartbeat, and return the processes that have none.
--
-- KEYS   1 processes  2 channels of this process  3 number of the keys' format
-- ARGV   1 process  2 ms without a heartbeat after which a process is dead  3 expiry, s
--        4 the format that it speaks
-- Returns {previous score, score, dead process, …}. A score is the time of the last heartbeat, in
-- ms of Redis's clock; negative: the process was evicted; '': the process is unknown.

-- What somebody else has put in the place of one of these keys would keep everybody from joining.
-- What belongs there is there again within a second or two.
if type(redis.pcall('ZSCORE', KEYS[1], ARGV[1])) == 'table' then redis.call('DEL', KEYS[1]) end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('ZSCORE', KEYS[1], ARGV[1]) or ''
local score = string.format('%.0f', now)
redis.call('ZADD', KEYS[1], score, ARGV[1])
redis.call('SET', KEYS[3], ARGV[4], 'NX')
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('-%.0f', now - ARGV[3] * 1000), -1)
-- Behind the first write, for which a full Redis refuses this script.
if type(redis.pcall('SREM', KEYS[2], '')) == 'table' then redis.call('DEL', KEYS[2]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
local reply = {before, score}
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, now - ARGV[2])) do
  reply[#reply + 1] = process
end
return reply
