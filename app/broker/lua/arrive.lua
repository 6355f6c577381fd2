-- Note that an agent has arrived, and tell what its channel's members are to be told of.
--
-- KEYS   1 announced  2 announcing
-- ARGV   1 deadline, ms of Redis's clock  2 identity  3 absence that members don't learn of, ms
--        4 expiry, s  5 mark of this arrival
-- In `announced`, an agent's score is 0 while it is there, else when it left, in ms. In `announcing`
-- is the mark of its arrival until that is known to be published.
-- Returns false if members know all. Else {mark of an arrival that may not be published, or '';
-- when it left after that, or ''; mark of this arrival, or '' if it is the same}.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
local left_at = redis.call('ZSCORE', KEYS[1], ARGV[2])
local before = redis.call('HGET', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[1], 0, ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
if left_at and (left_at == '0' or now - left_at < tonumber(ARGV[3])) then
  return before and {before, '', ''}
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return {left_at and before or '', left_at or '', ARGV[5]}
