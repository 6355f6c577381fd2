-- Forget the departures that members were told of, and return those that they are to be told.
--
-- KEYS   1 announced (see arrive.lua)  2 joined  3 announcing (see arrive.lua)
-- ARGV   1 absence that members don't learn of, ms  then identity and when it left, of those told
-- Returns {ms until the next one, 0: there is none; then identity, when it left, mark of its arrival
-- if that may not be published or '', …}.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for a = 2, #ARGV, 2 do
  -- Unless it has come back since.
  if redis.call('ZSCORE', KEYS[1], ARGV[a]) == ARGV[a + 1] then
    redis.call('ZREM', KEYS[1], ARGV[a])
    redis.call('HDEL', KEYS[3], ARGV[a])
  end
end
local reply = {0}
local all = redis.call('ZRANGEBYSCORE', KEYS[1], '(0', '+inf', 'WITHSCORES')
for i = 1, #all, 2 do
  local wait = tonumber(all[i + 1]) + ARGV[1] - now
  if redis.call('ZSCORE', KEYS[2], all[i]) then
    redis.call('ZADD', KEYS[1], 0, all[i])
  elseif wait <= 0 then
    reply[#reply + 1] = all[i]
    reply[#reply + 1] = all[i + 1]
    reply[#reply + 1] = redis.call('HGET', KEYS[3], all[i]) or ''
  elseif reply[1] == 0 then
    reply[1] = wait
  end
end
return reply
